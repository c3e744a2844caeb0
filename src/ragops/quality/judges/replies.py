"""Reads the verdicts in a judge's reply: a JSON object, alone or somewhere in prose. Nothing is guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragops.text import one_line

SCALE: Mapping[str, float] = {"yes": 1.0, "partly": 0.5, "no": 0.0}
"""The verdicts with their scores."""

_REASON_CHARACTERS = 500
_DECLINES = re.compile(
    r"\W*(?:i['’]?m (?:very |so )?(?:sorry|unable|not able)|i am (?:very |so )?(?:sorry|unable|not able)"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|will not|must decline)|sorry\b|as an ai\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge said: a verdict on each part in order, and one reason for all of them."""

    verdicts: tuple[str, ...]
    reason: str

    @property
    def scores(self) -> list[float]:
        """The verdicts as numbers, 0 to 1."""
        return [SCALE[verdict] for verdict in self.verdicts]


def verdict_names(parts: int | None) -> list[str]:
    """The fields with the verdicts: one for each of the parts, or one only."""
    return ["verdict"] if parts is None else [f"v{number}" for number in range(1, parts + 1)]


def read_verdicts(text: str, parts: int | None) -> Verdicts | None:
    """The verdicts in a reply; None if one is missing or none of the scale, or if two objects disagree.

    Upper case, white space and a final period around a verdict are forgiven.
    """
    names = verdict_names(parts)
    found = [verdicts for one in _objects(text) if (verdicts := _verdicts(one, names))]
    return found[-1] if len({one.verdicts for one in found}) == 1 else None


def declines(text: str) -> bool:
    """Whether a reply without a verdict declines to judge."""
    return _DECLINES.match(text) is not None


def as_reply(verdicts: Sequence[str], reason: str, parts: int | None) -> str:
    """The reply that a judge should give, for an example in its prompt."""
    return json.dumps({"reason": reason} | dict(zip(verdict_names(parts), verdicts, strict=True)), ensure_ascii=False)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, the outermost ones."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


def _verdicts(given: Mapping[str, Any], names: Sequence[str]) -> Verdicts | None:
    verdicts = tuple(str(given.get(name, "")).strip().rstrip(".").casefold() for name in names)
    if not all(verdict in SCALE for verdict in verdicts):
        return None
    return Verdicts(verdicts, one_line(given.get("reason") or "", _REASON_CHARACTERS))
