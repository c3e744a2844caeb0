"""Candidates: questions that may join the evaluation set once somebody has said what answers them.

What was decided is a file on the ledger volume, one for each candidate, which the first one to decide creates: so a
candidate is accepted once, and a rejected one never comes back. An accepted question is in its decision first and in
the set second; to accept it again completes what a killed process left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files
from ragops.quality.datasets.plain_format import PlainFormat
from ragops.quality.datasets.sections import Sections
from ragops.quality.datasets.store import add, check_growing
from ragops.quality.questions import Question
from ragops.text import digest, words

FOLDER = "candidates"
"""Of the ledger volume."""
KIND = "feedback"


@dataclass(frozen=True)
class Seen:
    """A passage that a complained-about answer was made from; its path and text are None if the corpus lost it."""

    chunk_id: str
    cited: bool
    path: str | None
    text: str | None


@dataclass(frozen=True)
class Candidate:
    """A question that people complained about.

    Attributes:
        candidate_id: from its words, so that the same question asked again is the same candidate.
        question: as it was asked first.
        comments: people's comments on its answers, newest first, each once.
        answers: the answers they got, newest first.
        passages: those that the answers were made from, each once; a reviewer names them by their number from 1.
        verdict_ids: the verdicts it comes from.
    """

    candidate_id: str
    question: str
    comments: tuple[str, ...]
    answers: tuple[str, ...]
    passages: tuple[Seen, ...]
    verdict_ids: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return vars(self) | {"passages": [vars(one) for one in self.passages]}


class Decision(BaseModel):
    """What was decided on a candidate; `question` is what joins the set, None if it was rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate_id: str
    decision: Literal["accepted", "rejected"]
    question: Question | None
    who: str
    decided_at: datetime

    def __str__(self) -> str:
        return f"{self.decision} by {self.who} on {self.decided_at:%Y-%m-%d}"


# A file that another reviewer is writing is there before its content.
_WHOLE = Retrying(
    retry=retry_if_result(lambda read: read is None),
    stop=stop_after_delay(1),
    wait=wait_fixed(0.05),
    retry_error_callback=lambda state: None,
)


class Decisions:
    """The decisions of a workspace."""

    def __init__(self, volume: Path) -> None:
        """`volume`: the ledger volume."""
        self._folder = volume / FOLDER
        self._files = volume_files(self._folder)

    def all(self) -> Mapping[str, Decision]:
        """All decisions by candidate. Raises VolumeError."""
        try:
            names = [one.name for one in self._files.list(self._folder) if one.name.endswith(".json")]
        except PathNotFound:  # nothing was decided yet
            return {}
        found = (self._read(self._folder / name) for name in names)
        return {one.candidate_id: one for one in found if one is not None}

    def record(self, decision: Decision) -> Decision:
        """Saves a decision, unless there is one on its candidate; returns the one that counts. Raises VolumeError."""
        path = self._folder / f"{decision.candidate_id}.json"
        content = f"{decision.model_dump_json(exclude_defaults=True)}\n".encode()
        if self._files.create(path, content):
            return decision
        if (earlier := _WHOLE(self._read, path)) is not None:
            return earlier
        self._files.write(path, content)  # the beginning that a killed process left
        return decision

    def _read(self, path: Path) -> Decision | None:
        try:
            return Decision.model_validate_json(self._files.read(path))
        except (ValidationError, PathNotFound):
            return None


def candidate_id(question: str) -> str:
    """The id of a question's candidate: 12 hexadecimal digits, whatever its case and punctuation."""
    return digest(words(question) or question)[:12]


def find(candidates: Iterable[Candidate], key: str) -> Candidate:
    """The candidate with this id, or the only one whose id begins so. Raises UserError if there is none."""
    found = [one for one in candidates if one.candidate_id.startswith(key)]
    if len(found) != 1:
        many = f"{len(found)} candidates begin so; give more digits"
        raise UserError(f"candidate {key}: {many if found else 'does not exist; see ragops questions candidates list'}")
    return found[0]


def drafted(candidate: Candidate, fields: Mapping[str, Any]) -> Question:
    """The question as a reviewer completes it, in the fields of the plain format.

    Raises:
        UserError: something in the fields is wrong, or they do not say what answers the question.
    """
    known = {"question": candidate.question, "kind": KIND, "question_id": f"{KIND}-{candidate.candidate_id}"}
    try:
        return PlainFormat(Sections()).question(known | dict(fields))
    except ValueError as error:
        raise UserError(f"candidate {candidate.candidate_id}: {error}") from error


def accept(
    candidate: Candidate, question: Question, decisions: Decisions, named: str | None, folder: Path, who: str
) -> bool:
    """Adds a candidate to the set, once.

    Args:
        candidate: the candidate.
        question: with what answers it.
        decisions: of the workspace.
        named: the set: `evaluation.questions`.
        folder: where relative paths start.
        who: the reviewer.

    Returns:
        False if it is in the set already.

    Raises:
        UserError: the set cannot be added to, or somebody has decided otherwise before.
    """
    check_growing(named, folder)
    wanted = Decision(
        candidate_id=candidate.candidate_id,
        decision="accepted",
        question=question,
        who=who,
        decided_at=datetime.now(UTC),
    )
    counts = decisions.record(wanted)
    if counts.question is None:
        raise UserError(f"candidate {candidate.candidate_id}: was {counts}; a rejected one does not come back")
    if counts.question != question:
        where = f"correct {counts.question.question_id} in the question set"
        raise UserError(f"candidate {candidate.candidate_id}: was {counts} with other words; {where}")
    return add(counts.question, named, folder)


def reject(candidate: Candidate, decisions: Decisions, who: str) -> None:
    """Keeps a candidate out of the set for good.

    Raises:
        UserError: it was accepted before.
    """
    rejected = Decision(
        candidate_id=candidate.candidate_id, decision="rejected", question=None, who=who, decided_at=datetime.now(UTC)
    )
    counts = decisions.record(rejected)
    if counts.question is not None:
        where = f"remove {counts.question.question_id} from the question set"
        raise UserError(f"candidate {candidate.candidate_id}: was {counts}; {where}")
