"""Tags on models, prompts and their versions, as Unity Catalog takes them.

Their names have none of `. , - = / :`, their values at most 1,000 characters and no space at either end, and one thing
has at most 50 of them (docs/platform.md). What is longer than a value goes into several tags.
"""

import json
from collections.abc import Mapping

LONGEST_VALUE = 1_000
MOST_PIECES = 40
"""Tags that one object in pieces may take: the others of the 50 are for MLflow, and for what people put there."""

_ESCAPED_SPACE = "\\u0020"
_PIECE = LONGEST_VALUE - 2 * (len(_ESCAPED_SPACE) - 1)


def tag_value(text: str) -> str:
    """The beginning of a text, as much as one tag takes, whether it counts characters or bytes."""
    return text.strip().encode(errors="ignore")[:LONGEST_VALUE].decode(errors="ignore").rstrip()


def in_pieces(name: str, content: Mapping[str, object]) -> dict[str, str]:
    """An object as JSON in the tags NAME, NAME_2, NAME_3 and so on; as many as it takes."""
    text = json.dumps(content, separators=(",", ":"))  # in ASCII, so that characters and bytes are the same number
    starts = range(0, len(text), _PIECE)
    return {_nth(name, n): _kept(text[start : start + _PIECE]) for n, start in enumerate(starts, start=1)}


def from_pieces(name: str, tags: Mapping[str, str]) -> str | None:
    """The JSON that `in_pieces` put into tags; None where there is none."""
    pieces: list[str] = []
    while (tag := _nth(name, len(pieces) + 1)) in tags:
        pieces.append(tags[tag])
    return "".join(pieces) or None


def _nth(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _kept(piece: str) -> str:
    """With the spaces at its ends escaped: without blanks between its parts, JSON has spaces within strings only."""
    if piece.startswith(" "):
        piece = _ESCAPED_SPACE + piece[1:]
    return piece[:-1] + _ESCAPED_SPACE if piece.endswith(" ") else piece
