"""Questions that ask nearly the same in nearly the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ragops.text import words

NEAR = 0.7
"""The share of runs of three characters from which two wordings are nearly the same. Of 526 different questions (two
sets on the sample corpus, one of product documentation) one pair has more: the same words in another order. "What" for
"Which" leaves 0.76, "reading" for "writing" 0.68."""
_RUN = 3


class Wording(NamedTuple):
    """A question's wording, prepared for comparison: its runs of characters, and its words with digits."""

    runs: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Wording:
        """Of any text; case, punctuation and white space do not matter."""
        found = words(text)
        plain = f" {' '.join(found)} "
        runs = frozenset(plain[at : at + _RUN] for at in range(len(plain) - _RUN + 1)) if found else frozenset()
        return cls(runs, frozenset(one for one in found if any(map(str.isdigit, one))))

    def is_near(self, other: Wording) -> bool:
        """Whether both ask nearly the same. Questions on different numbers, such as versions, never do."""
        if self.numbers != other.numbers or not self.runs or not other.runs:
            return False
        return len(self.runs & other.runs) >= NEAR * len(self.runs | other.runs)


class Wordings:
    """Known questions with their names, to look others up in."""

    def __init__(self, known: Iterable[tuple[str, str]] = ()) -> None:
        """`known`: names and questions."""
        self._known: list[tuple[str, str, Wording]] = []
        for name, question in known:
            self.add(name, question)

    def add(self, name: str, question: str) -> None:
        """Adds a question."""
        self._known.append((name, question, Wording.of(question)))

    def near(self, question: str) -> tuple[str, str] | None:
        """Name and wording of the first known question that asks nearly the same; None if none does."""
        wanted = Wording.of(question)
        return next(((name, text) for name, text, one in self._known if one.is_near(wanted)), None)


def groups(questions: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The name of a group for each name: names belong together if any of their questions are nearly the same.

    Args:
        questions: names, of which one may have several questions, and questions.
    """
    group = {name: name for name, _ in questions}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for first, second in _near_pairs(questions):
        low, high = sorted((root(first), root(second)))
        group[high] = low
    return {name: root(name) for name in group}


def _near_pairs(questions: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    prepared = [(name, Wording.of(question)) for name, question in questions]
    for at, (first, wording) in enumerate(prepared):
        for second, other in prepared[at + 1 :]:
            if first != second and wording.is_near(other):
                yield first, second
