"""Evaluation questions: each with the passage that answers it, or marked as having no answer in the corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, model_validator

from ragops.errors import UserError, explain
from ragops.text import words
from ragops.usecase import UseCase

SAMPLES: Mapping[str, str] = {"sample": "questions.jsonl", "sample_same_words": "questions_same_words.jsonl"}
"""The files of questions about the sample corpus by their names in usecase.yml: those that avoid its words, as people
ask who do not know the documents, and those that use them, as people ask who do."""


class Question(BaseModel):
    """One question. `topic`, `anchor` and `answer` are all given or, if the corpus has no answer, all None.

    The anchor is a few words from the middle of the answering passage that occur nowhere else in that topic. Some
    topics are part of a longer one, so a passage with the anchor may be found in another file as well.

    The quotes are all the passages that an answer needs, word for word as in the documents.

    A question `to_review` comes from people's feedback: nobody has said yet what answers it, so it is not measured.
    `feedback` is what was said of its answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: str
    question: str
    kind: str
    topic: str | None
    anchor: str | None
    answer: str | None
    quotes: tuple[str, ...] = ()
    to_review: bool = False
    feedback: Mapping[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({self.topic is None, self.anchor is None, self.answer is None}) > 1:
            raise ValueError("topic, anchor and answer must be given together")
        if self.quotes and self.topic is None:
            raise ValueError("quotes need topic, anchor and answer")
        return self

    @property
    def answerable(self) -> bool:
        """Whether the corpus has the answer."""
        return self.topic is not None

    @property
    def gold(self) -> tuple[str, ...]:
        """What a context must contain: the quotes; of a question without any, the anchor."""
        return self.quotes or ((self.anchor,) if self.anchor else ())

    @property
    def cluster(self) -> str:
        """The group of questions whose results rise and fall together: one topic, or this question alone."""
        return self.topic or self.question_id


def evaluation_questions(use_case: UseCase) -> list[Question]:
    """The use case's questions without those to be reviewed; an empty list if it names none.

    Raises:
        UserError: the file is missing, `load_questions` refuses it, or all of its questions are to be reviewed.

    Example:
        >>> from ragops import evaluation_questions, load_usecase
        >>> questions = evaluation_questions(load_usecase())
        >>> len(questions), sum(question.answerable for question in questions)
        (304, 274)
    """
    folder, named = use_case.folder, use_case.evaluation.questions
    if named is None:
        return []
    try:
        questions = load_questions(sample_file(named) if named in SAMPLES else folder / named)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"evaluation.questions: no file {folder / named} ({reason}); correct usecase.yml") from error
    except UserError as error:
        raise UserError(f"evaluation.questions: {error}") from error
    known = [one for one in questions if not one.to_review]
    if questions and not known:
        raise UserError(
            f"evaluation.questions: nobody has reviewed the questions of {named}; give those that count topic, anchor "
            "and answer, or leave these null where there is no answer, and remove to_review"
        )
    return known


def load_questions(file: Path | Traversable | None = None) -> list[Question]:
    """The questions of a JSONL file in its order, by default those of "sample"; blank lines are ignored.

    Raises:
        OSError: the file cannot be read.
        UserError: the file is not UTF-8, a line is not a question, or two questions have the same id, by which answers
            are compared; names the file and the line.
    """
    source = file or sample_file("sample")
    questions: list[Question] = []
    lines: dict[str, int] = {}
    for number, line in _numbered_lines(source):
        try:
            question = Question.model_validate_json(line)
        except ValidationError as error:
            raise UserError(f"{source}, line {number}: {explain(error.errors())}") from error
        if (first := lines.setdefault(question.question_id, number)) != number:
            twice = f"lines {first} and {number} have the same question_id {question.question_id!r}"
            raise UserError(f"{source}: {twice}; give each question its own")
        questions.append(question)
    return questions


def sample_file(name: str) -> Traversable:
    """The file with the questions of one of the `SAMPLES`."""
    return files("ragops.demo").joinpath(SAMPLES[name])


def _numbered_lines(source: Path | Traversable) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; the byte order mark that some editors write is skipped."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{source}, line {number}: not UTF-8; save the file as UTF-8") from error
    # Not splitlines: JSON strings may contain Unicode line separators.
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


class Anchors:
    """The anchors of a list of questions, prepared once, so that a document is searched for all of them quickly.

    An anchor is found where its words follow each other in the text. Only letters and digits count: formats and
    parsers differ in white space, quotes, case, escapes and emphasis, and `__init__`, `\\_\\_init\\_\\_` and a code
    span of either are the same word here. An anchor without words is in no text.
    """

    def __init__(self, anchors: Sequence[str | None]) -> None:
        """`anchors`: one per question, None if it has none."""
        self._anchors = [_padded(anchor or "") for anchor in anchors]

    def found_in(self, text: str) -> list[int]:
        """The numbers, from 0, of the questions whose anchor is in the text."""
        padded = _padded(text)
        return [number for number, anchor in enumerate(self._anchors) if anchor.strip() and anchor in padded]

    def is_in(self, text: str, number: int) -> bool:
        """Whether the anchor of one question, by its number from 0, is in the text."""
        anchor = self._anchors[number]
        return bool(anchor.strip()) and anchor in _padded(text)


def holds_anchor(text: str, anchor: str) -> bool:
    """Whether the anchor's words follow each other in the text, by the rules of `Anchors`."""
    return Anchors([anchor]).is_in(text, 0)


def _padded(text: str) -> str:
    """The words with one space before and after each, so that a word is never found inside another."""
    return f" {' '.join(words(text))} "
