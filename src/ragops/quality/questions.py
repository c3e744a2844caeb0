"""Evaluation questions: each with what answers it in the documents, or marked as having no answer there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from ragops.text import words


class Question(BaseModel):
    """One question. If the documents have no answer, everything that says what answers it is empty.

    Attributes:
        question_id: by which the answers of two chains are compared.
        question: as a user asks it.
        kind: of what kind it is, such as keyword or how_to; only reports use it.
        topic: what the anchor is unique in. Some topics are part of a longer one, so a passage with the anchor may be
            found in another file as well.
        anchor: a few words from the middle of the answering passage that occur nowhere else in that topic.
        answer: a right answer, in words of its author.
        quotes: all the passages that an answer needs, word for word as in the documents.
        passages: longer parts of the documents, such as sections, in each of which a part of the answer is.
        documents: names of the files with the answer, by their path or its end, with or without the suffix.
        facts: what a right answer must say; instead of `answer`.
        source_chunks: ids of the chunks that it was written from.
        to_review: it comes from people's feedback, and nobody has said yet what answers it, so it is not measured.
        feedback: the feedback on its answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: str
    question: str
    kind: str = "question"
    topic: str | None = None
    anchor: str | None = None
    answer: str | None = None
    quotes: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    source_chunks: tuple[str, ...] = ()
    to_review: bool = False
    feedback: Mapping[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.topic is None) != (self.anchor is None) or (self.anchor is not None and self.answer is None):
            raise ValueError("topic, anchor and answer must be given together")
        if self.answer is not None and self.facts:
            raise ValueError(
                "it has both an expected answer (answer) and expected facts (facts), and a judge takes one of them; "
                "remove one"
            )
        return self

    @property
    def answerable(self) -> bool:
        """Whether the documents have the answer."""
        return self.answer is not None or bool(self.facts) or self.has_gold

    @property
    def has_gold(self) -> bool:
        """Whether it is known where the answer is, so that search can be measured on it."""
        return bool(self.gold or self.documents)

    @property
    def gold(self) -> tuple[str, ...]:
        """What a context must contain: the quotes; without any, the anchor; without one, parts of the passages."""
        return self.quotes or ((self.anchor,) if self.anchor else self.passages)

    @property
    def reference(self) -> str | None:
        """What a judge compares an answer with: a right one, or the facts that it must state, one per line."""
        return self.answer or "\n".join(f"- {one}" for one in self.facts) or None

    @property
    def cluster(self) -> str:
        """The group of questions whose results rise and fall together: one topic or document, or this one alone."""
        return self.topic or next(iter(self.documents), self.question_id)


class Anchors:
    """The anchors of a list of questions, prepared once, so that a document is searched for all of them quickly.

    An anchor is found where its words follow each other in the text. Only letters and digits count: formats and
    parsers differ in white space, quotes, case, escapes and emphasis, and `__init__`, `\\_\\_init\\_\\_` and a code
    span of either are the same word here. An anchor without words is in no text.
    """

    def __init__(self, anchors: Sequence[str | None]) -> None:
        """`anchors`: one per question, None if it has none."""
        self._anchors = [_padded(anchor or "") for anchor in anchors]
        # Few texts have an anchor's longest word, so few are searched for the anchor: 4 times faster with 100 anchors.
        self._with_word: dict[str, list[int]] = {}
        for number, anchor in enumerate(self._anchors):
            if some := anchor.split():
                self._with_word.setdefault(max(some, key=len), []).append(number)
        self._words = frozenset(self._with_word)

    def found_in(self, text: str) -> list[int]:
        """The numbers, from 0, of the questions whose anchor is in the text."""
        return self.found_in_words(words(text))

    def found_in_words(self, given: Sequence[str]) -> list[int]:
        """As `found_in`, for a text's words in their order."""
        if not (shared := self._words.intersection(given)):
            return []
        padded = _joined(given)
        possible = sorted(number for word in shared for number in self._with_word[word])
        return [number for number in possible if self._anchors[number] in padded]

    def is_in(self, text: str, number: int) -> bool:
        """Whether the anchor of one question, by its number from 0, is in the text."""
        anchor = self._anchors[number]
        return bool(anchor.strip()) and anchor in _padded(text)


def holds_anchor(text: str, anchor: str) -> bool:
    """Whether the anchor's words follow each other in the text, by the rules of `Anchors`."""
    return Anchors([anchor]).is_in(text, 0)


def _padded(text: str) -> str:
    """The words with one space before and after each, so that a word is never found inside another."""
    return _joined(words(text))


def _joined(given: Sequence[str]) -> str:
    return f" {' '.join(given)} "
