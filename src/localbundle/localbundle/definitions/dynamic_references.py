"""`{{...}}` as text: where a dynamic value reference stands and what its parts are. Its values come with a run."""

import re
from collections.abc import Callable
from datetime import datetime

REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")
_PART = re.compile(r"`([^`]+)`|([A-Za-z0-9_]+)")
TIMES: dict[str, Callable[[datetime], str]] = {
    "iso_weekday": lambda time: str(time.isoweekday()),
    "is_weekday": lambda time: str(time.isoweekday() <= 5).lower(),
    "iso_date": lambda time: time.date().isoformat(),
    "iso_datetime": lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "year": lambda time: str(time.year),
    "month": lambda time: str(time.month),
    "day": lambda time: str(time.day),
    "hour": lambda time: str(time.hour),
    "minute": lambda time: str(time.minute),
    "second": lambda time: str(time.second),
    "timestamp_ms": lambda time: str(int(time.timestamp() * 1000)),
}


def split_path(path: str) -> tuple[str, ...] | None:
    """The parts of what stands in the braces, without back-ticks; None if it is malformed."""
    parts: list[str] = []
    position = 0
    while True:
        match = _PART.match(path, position)
        if match is None:
            return None
        parts.append(match[1] or match[2])
        position = match.end()
        if position == len(path):
            return tuple(parts)
        if path[position] != ".":
            return None
        position += 1
