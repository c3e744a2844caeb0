"""Figures that several readers of a profile need, worked out in one place."""

from __future__ import annotations

from ragops.exploration.profile import Profile

SAME = 0.01
"""Shares closer than this are the same for any decision."""
COPIED_AT_ONCE_DAYS = 1.0
"""Files dated within a day were copied at once: their dates say nothing about how often they change."""
DAYS_A_MONTH = 30


def changes_a_day(profile: Profile) -> float | None:
    """Documents that change a day: by the table's history if it covers a day, else the files' dates, else None."""
    if profile.has("updates.changes_a_day"):
        return profile.value("updates.changes_a_day")
    if profile.value("updates.modified_spread_days") < COPIED_AT_ONCE_DAYS:
        return None
    counts = profile.groups("updates.modified")
    return sum(counts.get(age, 0.0) for age in ("a day", "a week", "a month")) / DAYS_A_MONTH


def recall_noise(profile: Profile) -> float:
    """By how much two sizes may differ by chance: two standard errors of the difference of two shares, unpaired."""
    asked = max(1.0, profile.value("chunking.questions"))
    return float(2 * (0.5 / asked) ** 0.5)
