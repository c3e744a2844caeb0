"""Wording that the titles and details of findings share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

_SHOWN = 5


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, for example: 1 document, 1,200 documents."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(names: Sequence[str], shown: int = _SHOWN) -> str:
    """The first of some names."""
    more = f", and {len(names) - shown:,} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{more}"


def at(moment: datetime) -> str:
    """A time in UTC, for people."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def lasting(span: timedelta) -> str:
    """A span of time in its largest fitting unit, for example: 35 min, 5 h, 3 days."""
    minutes = span / timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / (24 * 60):.0f} days"
