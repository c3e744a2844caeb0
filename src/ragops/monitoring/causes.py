"""The likely cause of what a check found: what was changed just before it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ragops.monitoring.finding import Change, ChangeKind, Found
from ragops.monitoring.system.system import System

_CLOCKS = timedelta(minutes=1)
"""Clocks of different machines differ by this much."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause in words; the kind of change, if it is one."""

    text: str
    kind: ChangeKind | None = None


def likely_cause(found: Found, system: System) -> Cause | None:
    """The cause that the check itself knows; else the newest change before the finding of a kind that can cause it.

    Statistics do not tell exactly when something began: if there is no change before, the first one after it within the
    recent window counts. Changes that are older than the baseline are in both windows, and explain no difference.
    """
    if found.cause is not None:
        return Cause(found.cause, _kind_of_known(found, system.changes))
    possible = [one for one in system.changes if one.kind in found.causes and one.at >= system.baseline_since]
    before = [one for one in possible if one.at <= found.since + _CLOCKS]
    after = [one for one in possible if one.at > found.since + _CLOCKS] if found.p_value is not None else []
    chosen = before[0] if before else after[-1] if after else None
    return None if chosen is None else Cause(f"{chosen}, at {chosen.at:%Y-%m-%d %H:%M} UTC", chosen.kind)


def _kind_of_known(found: Found, changes: Sequence[Change]) -> ChangeKind | None:
    """Which of the kinds that can cause it was changed last before it; where there is only one, that."""
    if len(found.causes) == 1:
        return found.causes[0]
    before = [one.kind for one in changes if one.kind in found.causes and one.at <= found.since + _CLOCKS]
    return before[0] if before else None
