"""Candidates for the evaluation set from feedback: questions whose answers got a thumbs down with a comment."""

from __future__ import annotations

from collections.abc import Iterable

from ragops.quality.datasets.candidates import Candidate, Seen, candidate_id
from ragops.quality.feedback.review import Reviewed


def candidates_of(found: Iterable[Reviewed]) -> list[Candidate]:
    """The candidates among verdicts, in their order; verdicts on the same question are one.

    `found`: the latest of each person and answer, newest first. Without a comment nobody knows what was wrong, and
    without the answer's row nobody knows what was asked.
    """
    by_id: dict[str, list[Reviewed]] = {}
    for one in found:
        if one.verdict == "down" and one.comment and one.question and one.question.strip():
            by_id.setdefault(candidate_id(one.question), []).append(one)
    return [_candidate(key, same) for key, same in by_id.items()]


def _candidate(key: str, found: list[Reviewed]) -> Candidate:
    passages = {one.chunk_id: one for verdict in reversed(found) for one in verdict.passages}
    return Candidate(
        candidate_id=key,
        question=(found[-1].question or "").strip(),
        comments=tuple(dict.fromkeys(one.comment for one in found if one.comment)),
        answers=tuple(dict.fromkeys(one.answer for one in found if one.answer)),
        passages=tuple(Seen(one.chunk_id, one.cited, one.path, one.text) for one in passages.values()),
        verdict_ids=tuple(one.verdict_id for one in found),
    )
