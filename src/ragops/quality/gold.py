"""Gold: whether a passage answers a question, and how much of what answers it is in the context that a model gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from pathlib import PurePosixPath

from ragops.quality.questions import Anchors, Question, holds_anchor
from ragops.text import words

ENOUGH = 0.8
"""A question counts as covered if its context contains this share of its quotes' words, and a passage as part of a
longer one if it has this share of its words in common with it."""
_RUN = 3  # words in a row: single words of a quote are in every long context
_FEWEST = 8  # words: a shorter passage, such as a heading, is in many sections and answers nothing


def is_answered_by(question: Question, text: str, path: str) -> bool:
    """Whether a passage contains what answers the question.

    By its anchor; without one by a quote in it; without any by the longer passage that it is part of; without one by
    the document it is from. False for a question of which none of these is known.
    """
    if question.anchor is not None:
        return holds_anchor(text, question.anchor)
    if question.quotes:
        return any(covered_share([one], text) >= ENOUGH for one in question.quotes)
    if question.passages:
        return any(_shares_a_part(text, one) for one in question.passages)
    return any(is_document(path, one) for one in question.documents)


def is_covered(question: Question, sources: Iterable[tuple[str, str]]) -> bool:
    """Whether the context contains enough to answer the question.

    Args:
        question: of quotes and anchor 80 % of the words must be there, in any of the sources; of longer passages a part
            of each; of documents a source of each.
        sources: text and path of the context's parts.
    """
    given = list(sources)
    if question.quotes or question.anchor is not None:
        return covered_share(question.gold, "\n\n".join(text for text, _ in given)) >= ENOUGH
    if question.passages:
        return all(any(_shares_a_part(text, one) for text, _ in given) for one in question.passages)
    named = question.documents
    return bool(named) and all(any(is_document(path, one) for _, path in given) for one in named)


def in_no_passage(questions: Sequence[Question], passages: Iterable[tuple[str, str]]) -> list[Question]:
    """The questions whose gold is in no passage of the corpus (text, path): no search can find what answers them.

    Of quotes and longer passages 80 % of the words must be somewhere in the corpus. 100,000 passages and 100 questions
    take 3 s.
    """
    anchors = Anchors([one.anchor for one in questions])
    wanted = {run for one in questions for text in _long_gold(one) for run in _runs(words(text), _RUN)}
    found, known, paths = set[int](), set[tuple[str, ...]](), set[str]()
    for text, path in passages:
        given = words(text)
        found.update(anchors.found_in_words(given))
        if wanted:
            known.update(wanted.intersection(_runs(given, _RUN)))
        paths.add(path)
    return [one for at, one in enumerate(questions) if one.has_gold and not _is_known(one, at in found, known, paths)]


def _long_gold(question: Question) -> tuple[str, ...]:
    return () if question.anchor is not None else question.quotes or question.passages


def _is_known(question: Question, has_anchor: bool, known: Set[tuple[str, ...]], paths: Collection[str]) -> bool:
    if question.anchor is not None:
        return has_anchor
    texts = [_runs(words(one), _RUN) for one in _long_gold(question)]
    if any(texts):
        return any(runs and sum(run in known for run in runs) >= ENOUGH * len(runs) for runs in texts)
    return bool(texts) or any(is_document(path, one) for path in paths for one in question.documents)


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


def is_document(path: str, name: str) -> bool:
    """Whether a document is the named one: by its path or the end of its path, with or without the suffix."""
    parts, wanted = PurePosixPath(path.casefold()).parts, PurePosixPath(name.casefold()).parts
    plain = (*parts[:-1], PurePosixPath(parts[-1]).stem) if parts else ()
    return bool(wanted) and wanted in (parts[-len(wanted) :], plain[-len(wanted) :])


def _shares_a_part(text: str, passage: str) -> bool:
    """Whether the passage is in the text, or the text a part of the passage."""
    is_part = len(words(text)) >= _FEWEST and covered_share([text], passage) >= ENOUGH
    return is_part or covered_share([passage], text) >= ENOUGH


def _runs(found: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(found[at : at + length]) for at in range(len(found) - length + 1)] if length else []
