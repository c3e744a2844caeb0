"""Coverage: how much of the passages that answer a question is in the context that a model gets."""

from collections.abc import Sequence

from ragops.quality.questions import Question
from ragops.text import words

ENOUGH = 0.8
"""A question counts as covered if its context contains this share of its quotes' words."""
_RUN = 3  # words in a row: single words of a quote are in every long context


def is_covered(question: Question, context: str) -> bool:
    """Whether the context contains enough of the question's quotes to answer it."""
    return covered_share(question.gold, context) >= ENOUGH


def covered_share(quotes: Sequence[str], context: str) -> float:
    """The share of the quotes' words that the context contains, from 0 to 1; 0 for quotes without words.

    A word counts if it belongs to three words in a row that follow each other in the context too, so a quote that is
    divided between two passages counts fully if both are there, whatever the order. Punctuation, case and white space
    do not matter, as for anchors.
    """
    given = words(context)
    found = total = 0
    for quote in quotes:
        wanted = words(quote)
        run = min(_RUN, len(wanted))
        known = set(_runs(given, run))
        inside = {at + offset for at, one in enumerate(_runs(wanted, run)) if one in known for offset in range(run)}
        found, total = found + len(inside), total + len(wanted)
    return found / total if total else 0.0


def _runs(found: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(found[at : at + length]) for at in range(len(found) - length + 1)] if length else []
