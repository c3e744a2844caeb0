"""The golden questions: how many of them a generation answers, and which of them no passage answers any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ragops.corpus.embeddings.interface import Vectors
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Passage
from ragops.quality.gold import in_no_passage, is_answered_by
from ragops.quality.questions import Question

K = 10


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the golden questions are answered by one of the ten nearest passages.

    Attributes:
        questions: how many were asked.
        found: how many were answered.
        lost: ids of those that the generation before answered, and this one does not.
        gained: ids of those that only this one answers.
        before: that generation's name; "" if nothing is compared.
        without_gold: ids of those whose answer is in no passage of the index at all.
    """

    questions: int
    found: int
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    before: str = ""
    without_gold: tuple[str, ...] = ()
    answered: frozenset[str] = frozenset()

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.found / self.questions

    @property
    def share_before(self) -> float | None:
        """Of the generation before; None if nothing is compared."""
        return (self.found + len(self.lost) - len(self.gained)) / self.questions if self.before else None

    def compared(self, before: str, answered: frozenset[str]) -> Recall:
        """With what the generation `before` answered."""
        lost, gained = sorted(answered - self.answered), sorted(self.answered - answered)
        return replace(self, before=before, lost=tuple(lost), gained=tuple(gained))


class Golden:
    """The golden questions of which it is known what answers them; encoded once."""

    def __init__(self, questions: Sequence[Question], encode: Callable[[Sequence[str]], Vectors]) -> None:
        self._questions = [one for one in questions if one.has_gold]
        self._encode = encode

    def recall(self, generation: Generation) -> Recall | None:
        """Of the live generation; None without questions."""
        if not self._questions:
            return None
        answered = self.found(generation)
        others = [one for one in self._questions if one.question_id not in answered]
        passages = generation.table.texts_and_paths() if others else ()
        missing = tuple(sorted(one.question_id for one in in_no_passage(others, passages)))
        return Recall(len(self._questions), len(answered), without_gold=missing, answered=answered)

    def found(self, generation: Generation) -> frozenset[str]:
        """Ids of the questions that one of a generation's ten nearest passages answers."""
        nearest = [[hit.text_hash for hit in generation.dense(one, K, reader=None)] for one in self._vectors]
        # In one call: one call per question would take most of the time.
        some = generation.of_texts(list(dict.fromkeys(text for texts in nearest for text in texts)), reader=None)
        passages: dict[str, list[Passage]] = {}
        for passage in some:
            passages.setdefault(passage.text_hash, []).append(passage)
        return frozenset(
            question.question_id
            for question, texts in zip(self._questions, nearest, strict=True)
            if any(is_answered_by(question, one.text, one.path) for text in texts for one in passages.get(text, ()))
        )

    @cached_property
    def _vectors(self) -> Vectors:
        return self._encode([one.question for one in self._questions])
