"""The evaluation set that `evaluation.questions` names, with the version of its content."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.workspace import mapped
from ragops.quality.datasets.files import SAMPLES, Loaded, load, sample_file
from ragops.quality.questions import Question
from ragops.text import digest

if TYPE_CHECKING:
    from ragops.usecase import UseCase

DATASET = "dataset:"
"""Before the name of an MLflow evaluation dataset."""
VERSION = "question_set"
"""The name under which runs and figures have the version of their set."""
_DIGITS = 12
_NOT_MEASURED = {"kind", "source_chunks", "to_review", "feedback"}


@dataclass(frozen=True)
class QuestionSet:
    """Questions that are measured, and what they are.

    Attributes:
        questions: in the set's order, without those that nobody has reviewed.
        version: 12 hexadecimal digits from the content; "" without questions.
        source: what `evaluation.questions` names; "" if it names nothing.
        to_review: how many are left out because nobody has said yet what answers them.
        notes: what to know of the set, a line each.
    """

    questions: tuple[Question, ...] = ()
    version: str = ""
    source: str = ""
    to_review: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"question set {self.source}, version {self.version}, {len(self.questions):,} questions"

    @property
    def kinds(self) -> Mapping[str, int]:
        """Questions of each kind, the most frequent first."""
        return dict(Counter(one.kind for one in self.questions).most_common())


def open_set(use_case: UseCase) -> QuestionSet:
    """The use case's questions; a set without any if it names none.

    `evaluation.questions` is a name of `SAMPLES`, "dataset:" with the name of an MLflow evaluation dataset, or the path
    of a file or a folder, relative to the use case's folder, also on a volume. MLflow must point at its store.

    Raises:
        UserError: there is no such set, it is empty, something in it is wrong (see `files.load`), or all of its
            questions are to be reviewed.
    """
    named = use_case.evaluation.questions
    if named is None:
        return QuestionSet()
    try:
        found = _loaded(named, use_case.folder)
    except UserError as error:
        raise UserError(f"evaluation.questions: {error}") from error
    if not found.questions:
        raise UserError(f"evaluation.questions: {named} has no questions; add some, or set it to null")
    known = tuple(one for one in found.questions if not one.to_review)
    if not known:
        raise UserError(
            f"evaluation.questions: nobody has reviewed the questions of {named}; give those that count topic, anchor "
            "and answer, or leave these null where there is no answer, and remove to_review"
        )
    return QuestionSet(known, version_of(known), named, len(found.questions) - len(known), found.notes)


def version_of(questions: Iterable[Question]) -> str:
    """The version of questions: 12 hexadecimal digits that depend on ids, wording and what answers each.

    The same for any order of the questions, line ends and file format; "" without questions.
    """
    rows = sorted(json.dumps(_measured(one), sort_keys=True) for one in questions)
    return digest(rows)[:_DIGITS] if rows else ""


def is_dataset(named: str | None) -> bool:
    """Whether `evaluation.questions` names an MLflow evaluation dataset."""
    return named is not None and named.startswith(DATASET)


def location(named: str, folder: Path) -> Path:
    """The file or folder that `evaluation.questions` names."""
    return mapped(folder / named)


def _measured(one: Question) -> dict[str, object]:
    """What an evaluation depends on."""
    content = one.model_dump(mode="json", exclude=_NOT_MEASURED, exclude_defaults=True)
    return {name: _with_line_feeds(value) for name, value in content.items()}


def _with_line_feeds(value: object) -> object:
    if isinstance(value, list):
        return [_with_line_feeds(one) for one in value]
    return value.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(value, str) else value


def _loaded(named: str, folder: Path) -> Loaded:
    if named in SAMPLES:
        return load(sample_file(named))
    if is_dataset(named):
        from ragops.quality.datasets.mlflow_dataset import load_dataset

        return load_dataset(named.removeprefix(DATASET))
    return load(location(named, folder))
