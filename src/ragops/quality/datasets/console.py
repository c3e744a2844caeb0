"""Terminal output on question sets: what was measured, and what a set contains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from ragops.platform.console import plain_text
from ragops.quality.datasets.candidates import Candidate, Decision
from ragops.quality.datasets.question_set import QuestionSet, version_of
from ragops.quality.questions import Question
from ragops.text import one_line

_SHOWN_IDS = 5
_SHOWN_TEXT = 100  # characters of a passage


def about(found: QuestionSet, measured: Sequence[Question] = ()) -> dict[str, Any]:
    """Source, version and size of a set, as JSON, and of those of its questions that were measured."""
    questions = found.questions
    some = {"measured": len(measured), "measured_version": version_of(measured)} if measured else {}
    return some | {
        "source": found.source,
        "version": found.version,
        "questions": len(questions),
        "answerable": sum(one.answerable for one in questions),
        "with_gold": sum(one.has_gold for one in questions),
        "to_review": found.to_review,
        "kinds": dict(found.kinds),
        "notes": list(found.notes),
    }


def show_set(console: Console, found: QuestionSet) -> None:
    """Prints what a set is, and a line for each question."""
    if not found.questions:
        console.print("no question set: evaluation.questions in usecase.yml names none")
        return
    numbers = about(found)
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.kinds.items())
    lines = [
        str(found),
        f"{numbers['answerable']:,} with an answer, {numbers['with_gold']:,} with its place in the documents; {kinds}",
        *_notes(found),
        *(f"{one.question_id}  {plain_text(one_line(one.question))}" for one in found.questions),
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def show_candidates(console: Console, found: Sequence[tuple[Candidate, Decision | None]]) -> None:
    """Prints candidates: id, question and decision; what was said; the passages by number."""
    if not found:
        console.print("no candidates: no thumbs down with a comment is left to decide on")
    for one, decision in found:
        for line in _candidate_lines(one, decision):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _candidate_lines(one: Candidate, decision: Decision | None) -> Iterator[str]:
    state = f"  ({decision})" if decision else ""
    yield f"{one.candidate_id}  {plain_text(one_line(one.question))}{plain_text(state)}"
    for comment in one.comments:
        yield f'  "{plain_text(one_line(comment))}"'
    for number, passage in enumerate(one.passages, start=1):
        cited = " (cited)" if passage.cited else ""
        text = one_line(passage.text or "the documents no longer have it", _SHOWN_TEXT)
        yield f"  {number} {plain_text(passage.path or passage.chunk_id)}{cited}: {plain_text(text)}"


def show_measured(
    console: Console, found: QuestionSet, measured: Sequence[Question], in_no_passage: Sequence[str] = ()
) -> None:
    """Prints which set was measured, in which version, and what to know of it.

    Args:
        console: where to.
        found: the set.
        measured: those of its questions that were; some have a version of their own, under which figures are kept.
        in_no_passage: ids of those that no search can answer.
    """
    for line in _lines(found, measured, in_no_passage):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _notes(found: QuestionSet) -> Iterator[str]:
    if found.to_review:
        yield f"{found.to_review:,} questions are to be reviewed and are not measured"
    yield from found.notes


def _lines(found: QuestionSet, measured: Sequence[Question], in_no_passage: Sequence[str]) -> Iterator[str]:
    some = version_of(measured)
    own = "" if some == found.version else f" (version {some})"
    yield f"{found}, {len(measured):,} of them measured{own}"
    yield from _notes(found)
    if in_no_passage:
        shown = ", ".join(in_no_passage[:_SHOWN_IDS])
        more = f" and {len(in_no_passage) - _SHOWN_IDS:,} more" if len(in_no_passage) > _SHOWN_IDS else ""
        yield (
            f"{len(in_no_passage):,} questions cannot be answered: what answers them is in no passage of the index "
            f"({shown}{more}); correct the set, or refresh the index"
        )
