"""Consoles: where commands print, and how tables look in the output of a notebook."""

import unicodedata
from collections.abc import Iterator

from rich.console import Console

_JOINERS = "\u200c\u200d"  # of Persian and Indic words, and of emoji
_NOTEBOOK_WIDTH = 110
"""Columns that a notebook's output and a run page show without wrapping."""


def terminal() -> Console:
    """Standard output of a command."""
    return Console()


def messages() -> Console:
    """Standard error of a command: progress and errors, so that standard output can be piped."""
    return Console(stderr=True)


def notebook() -> Console:
    """Plain text of a fixed width, for the output of a notebook's cell."""
    return Console(width=_NOTEBOOK_WIDTH, force_jupyter=False, color_system=None)


def plain_text(text: str) -> str:
    """The text without characters that control a terminal or the direction of writing; line feeds and tabs stay."""
    return "".join(_visible(text))


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
            yield character
