"""Which questions a text answers: those whose anchor, a few words of the answering passage, stands in it."""

import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+")


class Anchors:
    """The anchors of a list of questions, prepared once: a document is then looked through for all of them.

    As in `ragops.quality.questions.holds_anchor` only letters and digits count, in whatever case.
    """

    def __init__(self, anchors: Sequence[str | None]) -> None:
        """Takes each question's anchor; None, or one without words, is in no text."""
        self._anchors = [_words(anchor or "") for anchor in anchors]

    def held(self, text: str) -> list[int]:
        """The numbers of the questions whose anchor the text holds."""
        words = _words(text)
        return [number for number, anchor in enumerate(self._anchors) if anchor.strip() and anchor in words]

    def holds(self, text: str, number: int) -> bool:
        """Whether the text holds the anchor of one question."""
        anchor = self._anchors[number]
        return bool(anchor.strip()) and anchor in _words(text)


def _words(text: str) -> str:
    """The words with one space before and after each, so that one of them is never found inside another."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
