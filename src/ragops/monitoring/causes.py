"""The likely cause of what a check found: what was changed just before it began."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ragops.monitoring.finding import Change, ChangeKind, Found
from ragops.monitoring.system.system import System

_CLOCKS = timedelta(minutes=1)
"""Clocks of different machines differ by this much."""
_INEXACT = timedelta(hours=1)
"""By which the beginning of what statistics found can be dated too early."""
_TOGETHER = timedelta(minutes=30)
"""What one deployment changes is dated within this time: some of it by the first answer that it gave."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause in words; the kind of change, if it is one."""

    text: str
    kind: ChangeKind | None = None


def likely_cause(found: Found, system: System) -> Cause | None:
    """What the check itself knows; else the last changes before it that can cause it; else its cause without a change.

    What was changed together is named together, the most likely kind first.
    """
    if found.cause is not None:
        return Cause(found.cause, found.causes[0] if len(found.causes) == 1 else None)
    changes = _last_changes(found, system)
    if changes:
        text = f"{changes[0]}, at {changes[0].at:%Y-%m-%d %H:%M} UTC"
        others = "; ".join(str(one) for one in changes[1:_SHOWN])
        return Cause(f"{text}; at the same time {others}" if others else text, changes[0].kind)
    return Cause(found.otherwise) if found.otherwise else None


def _last_changes(found: Found, system: System) -> list[Change]:
    """The last change before it, of a kind that can cause it, with those that were made at the same time.

    Changes that are older than the baseline are in both windows, and explain no difference. What statistics compare
    changes at once, so that a change a whole window before it began explains nothing either.
    """
    first, last = system.baseline_since, found.since + _CLOCKS
    if found.p_value is not None:
        first = max(first, found.since - (system.now - system.recent_since))
        last = max(found.since + _INEXACT, system.now if found.since <= system.recent_since else last)
    possible = [one for one in system.changes if one.kind in found.causes and one.at >= first]
    before = [one for one in possible if one.at <= found.since + _CLOCKS]
    after = [one for one in possible if found.since + _CLOCKS < one.at <= last]
    newest = before[0].at if before else after[-1].at if after else None
    if newest is None:
        return []
    together = [one for one in (before or after) if abs(one.at - newest) <= _TOGETHER]
    exact = [one for one in together if one.kind != "deployment"]  # that a file was changed says less than what in it
    return sorted(exact or together, key=lambda one: found.causes.index(one.kind))
