"""Whether a question needs the one before it: the rule for conversations where no model rewrites questions.

For English. A question in another language counts as one that does, since this rule knows none of the words by which it
would refer back.

Measured by tests/bench/follow_ups.py with 12 passages. Coverage of the evaluation questions, asked after one about
something else: 0.39 with the previous question in front of all of them, 0.61 by this rule, 0.64 alone (those that avoid
the documents' words); 0.84, 0.95, 0.98 (those that share them). Coverage of 24 follow-ups that need it, recall@5: 1.00,
1.00 in front; 1.00, 0.96 by this rule; 0.71, 0.42 alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragops.answers.llms.providers.extractive import STOP_WORDS
from ragops.corpus.index.stores.terms import tokenize

_PRONOUNS = frozenset(["he", "her", "hers", "him", "his", "it", "its", "she", "their", "theirs", "them", "they"])
_DEMONSTRATIVES = frozenset(["that", "these", "this", "those"])
_CONTINUES = frozenset(["also", "and", "but", "else", "instead", "or", "otherwise", "so", "then"])
_AGAIN = frozenset(["another", "else", "former", "instead", "latter", "ones", "other", "others", "same", "such", "too"])
_NAMED = 2
"""Words of its own before a pronoun, which then stands for one of them: "Why is my list changed after I pass it?"."""
_ENOUGH = 3
"""Words of its own that a question needs, to be about something. With 2: 0.92, 0.88 of the 24 follow-ups."""
_READABLE = 2
"""English function words, so that it is English: in other languages this rule sees none of what refers back."""


def refers_back(question: str) -> bool:
    """Whether a question leaves something to the conversation.

    Example:
        >>> refers_back("Does it keep the order?"), refers_back("How do I sort a list by two keys?")
        (True, False)
    """
    tokens = list(tokenize(question))
    if len(set(tokens) & STOP_WORDS) < _READABLE or not tokens:
        return True
    own = [token for token in dict.fromkeys(tokens) if token not in STOP_WORDS]
    return tokens[0] in _CONTINUES or len(own) < _ENOUGH or _points_back(tokens)


def _points_back(tokens: Sequence[str]) -> bool:
    """Whether a word points at something that the question itself has not named before."""
    named = 0
    for token in tokens:
        if token in _PRONOUNS and named < _NAMED:
            return True
        if token in _DEMONSTRATIVES | _AGAIN and not named:
            return True
        named += token not in STOP_WORDS
    return False
