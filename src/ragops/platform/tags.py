"""Tag values that the platform accepts: on models and prompts in Unity Catalog, and on jobs for the cloud's bill.

Unity Catalog: names without `. , - = / :`, values of at most 1,000 characters without spaces at either end, at most
50 tags on one object (docs/platform.md). Longer content is spread over several tags.
"""

import json
import re
import unicodedata
from collections.abc import Mapping

CATALOG_TAG_LENGTH = 1_000
MOST_PIECES = 40
"""Tags that one object may be spread over: the rest of the 50 are for MLflow and for people."""
CLOUD_TAG_LENGTH = 63

_ESCAPED_SPACE = "\\u0020"
_PIECE = CATALOG_TAG_LENGTH - 2 * (len(_ESCAPED_SPACE) - 1)
_NOT_IN_CLOUD_TAGS = re.compile(r"[^A-Za-z0-9_.-]+")


def catalog_tag(text: str) -> str:
    """The beginning of a text, as much as fits into one tag whether the catalog counts characters or bytes."""
    return text.strip().encode(errors="ignore")[:CATALOG_TAG_LENGTH].decode(errors="ignore").rstrip()


def in_pieces(name: str, content: Mapping[str, object]) -> dict[str, str]:
    """An object as JSON in the tags NAME, NAME_2, NAME_3 and so on."""
    text = json.dumps(content, separators=(",", ":"))  # in ASCII, so that characters and bytes are the same number
    starts = range(0, len(text), _PIECE)
    return {_nth(name, n): _escaped(text[start : start + _PIECE]) for n, start in enumerate(starts, start=1)}


def from_pieces(name: str, tags: Mapping[str, str]) -> str | None:
    """The JSON that `in_pieces` put into tags; None if there is none."""
    pieces: list[str] = []
    while (tag := _nth(name, len(pieces) + 1)) in tags:
        pieces.append(tags[tag])
    return "".join(pieces) or None


def cloud_tag(text: str) -> str:
    """A readable value that the strictest of the three clouds accepts.

    Accents are dropped, and _ replaces characters that not every cloud accepts.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_CLOUD_TAGS.sub("_", plain).lstrip("_.-")[:CLOUD_TAG_LENGTH].rstrip("_.-")


def _nth(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _escaped(piece: str) -> str:
    """With escaped spaces at both ends. In compact JSON spaces occur in strings only, so the JSON stays the same."""
    if piece.startswith(" "):
        piece = _ESCAPED_SPACE + piece[1:]
    return piece[:-1] + _ESCAPED_SPACE if piece.endswith(" ") else piece
