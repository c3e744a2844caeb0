"""Small functions on text that every package uses: one-line messages, the closest name, words, digests."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

_ASCII_WORD = re.compile("[a-z0-9]+")


def one_line(text: object, limit: int | None = None) -> str:
    """The text with every run of white space as one space, cut to `limit` characters."""
    return " ".join(str(text).split())[:limit]


def reason(error: BaseException, limit: int = 300) -> str:
    """What an error says, in one line; its type where it says nothing.

    The Databricks SDK appends its configuration to messages ("... Config: host=..."), which no user asked for.
    """
    return one_line(str(error).partition(". Config:")[0], limit) or type(error).__name__


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that `name` is most likely a misspelling of; "" if none is close."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def words(text: str) -> list[str]:
    """The text's words in lower case, in any script with its combining marks, without punctuation and underscores."""
    # Python's own patterns are right for ASCII, and take a third of the time.
    found: list[str] = _ASCII_WORD.findall(text.lower()) if text.isascii() else _word().findall(text.casefold())
    return found


@cache
def _word() -> regex.Pattern[str]:
    import regex  # Python's own patterns end a word at a combining mark; it takes longer to import than this module

    return regex.compile(r"[\p{L}\p{M}\p{N}]+")


def digest(value: object) -> str:
    """SHA-256 of a JSON value, as 64 hexadecimal digits; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def json_number(value: object) -> object:
    """The value as JSON can hold it: None for a float that is NaN or infinite, everything else unchanged."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
