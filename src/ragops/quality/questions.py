"""Questions about the sample corpus, each with the passage that answers it, or the knowledge that none does."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ragops.errors import UserError, explain
from ragops.usecase import UseCase

_WORD = re.compile(r"[^\W_]+")


class Question(BaseModel):
    """One question. `topic`, `anchor` and `answer` are all given or, if the corpus holds no answer, all None.

    The anchor is a few words that stand in the middle of the answering passage and nowhere else in that topic. Some
    topics are part of a longer one, so a passage that holds the anchor may be found in another file as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: str
    question: str
    kind: str
    topic: str | None
    anchor: str | None
    answer: str | None

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({self.topic is None, self.anchor is None, self.answer is None}) > 1:
            raise ValueError("topic, anchor and answer must be given together")
        return self

    @property
    def answerable(self) -> bool:
        """Whether the corpus holds the answer."""
        return self.topic is not None


def evaluation_questions(use_case: UseCase) -> list[Question]:
    """The use case's questions; none when it names none.

    Raises:
        UserError: the file is missing, or what `load_questions` refuses.
    """
    folder, named = use_case.folder, use_case.evaluation.questions
    if named is None:
        return []
    try:
        return load_questions() if named == "sample" else load_questions(folder / named)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"evaluation.questions: no file {folder / named} ({reason}); correct usecase.yml") from error
    except UserError as error:
        raise UserError(f"evaluation.questions: {error}") from error


def load_questions(file: Path | None = None) -> list[Question]:
    """Returns the questions of a JSONL file, by default those about the sample corpus, in the file's order.

    Blank lines are none.

    Raises:
        OSError: the file cannot be read.
        UserError: it is not UTF-8, a line is not a question, or two have one id, by which answers are compared; names
            the file and the line.
    """
    source = file or files("ragops.demo").joinpath("questions.jsonl")
    questions: list[Question] = []
    lines: dict[str, int] = {}
    for number, line in _numbered(source):
        try:
            question = Question.model_validate_json(line)
        except ValidationError as error:
            raise UserError(f"{source}, line {number}: {explain(error.errors())}") from error
        if (first := lines.setdefault(question.question_id, number)) != number:
            twice = f"lines {first} and {number} have the same question_id {question.question_id!r}"
            raise UserError(f"{source}: {twice}; give each question its own")
        questions.append(question)
    return questions


def _numbered(source: Path | Traversable) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; a byte order mark, as editors leave it, is no part of the first."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{source}, line {number}: it is not UTF-8; save the file as UTF-8") from error
    # Not splitlines: JSON may have line separators of Unicode within its texts.
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def holds_anchor(text: str, anchor: str) -> bool:
    """Whether the anchor's words stand in the text one after another.

    Only letters and digits count: formats and parsers differ in white space, quotes, case, escapes and emphasis, and
    `__init__`, `\\_\\_init\\_\\_` and a code span of either are the same word here. An anchor without words is in no
    text.
    """
    words = _words(anchor)
    return bool(words.strip()) and words in _words(text)


def _words(text: str) -> str:
    """The text's words with one space before and after each, so that one of them is never found inside another."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
