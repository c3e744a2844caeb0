"""Figures of the status page in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from ragops.monitoring.finding import Finding
from ragops.usecase.measures import Measure, Unit

_UNITS = (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0))


def moment(at: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def lasting(passed: timedelta) -> str:
    """A duration in the unit that suits it, for example: 3 hours."""
    seconds = max(0.0, passed.total_seconds())
    for unit, size in _UNITS:
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def shown(value: float, unit: str | None) -> str:
    """A value with its unit; a share in percent."""
    if unit == "share":
        return percent(value, 1)
    return Measure("", "", cast(Unit, unit or "number"), "at_least", ()).shown(value)


def percent(share: float, digits: int = 0) -> str:
    """A share in percent."""
    return f"{share:.{digits}%}".replace("%", " %")


def how_much(one: Finding) -> str:
    """What was measured and what it should be; "" for a finding without figures."""
    if one.value is None:
        return ""
    value = shown(one.value, one.unit)
    return value if one.expected is None else f"{value}, expected {shown(one.expected, one.unit)}"


def how_sure(one: Finding) -> str:
    """Whether chance explains it."""
    if one.p_value is None:
        return "certain, because it was counted"
    runs = 1 / max(one.p_value, 1e-9)
    return f"by chance in one of {runs:,.0f} runs" if runs >= 1.5 else "may be chance"
