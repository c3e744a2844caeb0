"""One run of the monitor: reads a system, checks it, and writes what has become of its findings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ragops.errors import UserError
from ragops.monitoring.causes import likely_cause
from ragops.monitoring.checks.all import TOPICS, Checked, run_checks
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import counted
from ragops.monitoring.finding import Finding, Unreadable
from ragops.monitoring.next_steps import NextStep, propose, read_steps, update_steps, write_steps
from ragops.monitoring.open_findings import Updated, read_findings, update, write_findings
from ragops.monitoring.system.read import Place, Seen, read_system
from ragops.monitoring.system.rows import attempt
from ragops.monitoring.system.settings import remember, seen_rows
from ragops.monitoring.system.system import System


@dataclass(frozen=True)
class Monitored:
    """The result of a run.

    Attributes:
        system: what it read.
        checked: what it found, before it was compared with earlier runs.
        updated: the findings that are open, new and closed.
        steps: what it proposes to do next.
        seconds: how long it took.
    """

    system: System
    checked: Checked
    updated: Updated
    steps: tuple[NextStep, ...]
    seconds: float

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that are open, the worst first."""
        return self.updated.open

    @property
    def high(self) -> int:
        """How many of them are of high severity."""
        return sum(one.severity == "high" for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "measured_at": self.system.now.isoformat(),
            "high": self.high,
            "low": len(self.findings) - self.high,
            "findings": [one.model_dump(mode="json") for one in self.findings],
            "closed": [one.model_dump(mode="json") for one in self.updated.closed],
            "next_steps": [one.model_dump(mode="json") for one in self.steps],
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        """One line, for example: 2 findings of high severity, 1 of low; 1 new, 3 closed, in 21 s."""
        low, new = len(self.findings) - self.high, len(self.updated.opened)
        state = f"{counted(self.high, 'finding')} of high severity, {low} of low" if self.findings else "no findings"
        return f"{state}; {new} new, {len(self.updated.closed)} closed, in {self.seconds:.0f} s"


def monitor(
    place: Place, now: datetime | None = None, *, write: bool = True, topics: Sequence[Topic] = TOPICS
) -> Monitored:
    """Runs all checks over a system.

    Args:
        place: where the system is.
        now: the time that counts as now; by default the clock's.
        write: whether the tables `findings`, `next_steps` and `monitored_settings` are written.
        topics: what is checked.

    Raises:
        UserError: the schema or its tables of findings cannot be read or written.
    """
    started = time.monotonic()
    seen = read_system(place, now)
    checked = run_checks(seen.system, topics)
    causes = [(one, likely_cause(one, seen.system)) for one in checked.found]
    updated = update(_known(place), causes, checked.examined, seen.system.now)
    steps = update_steps(read_steps(place.workspace), propose(seen.system, updated.open), seen.system.now)
    if write:
        write_findings(place.workspace, updated)
        write_steps(place.workspace, steps)
        _remember(place, seen)
    proposed = tuple(one for one in steps if one.done_at is None)
    return Monitored(seen.system, checked, updated, proposed, time.monotonic() - started)


def _known(place: Place) -> list[Finding]:
    """The findings of earlier runs. A table that cannot be read ends the run: all would be opened again."""
    found = attempt("findings", lambda: read_findings(place.workspace))
    if isinstance(found, Unreadable):
        raise UserError(f"table {place.workspace.registered('findings')} cannot be read: {found.reason}")
    return found


def _remember(place: Place, seen: Seen) -> None:
    if seen.settings is not None:
        remember(place.workspace, seen_rows(seen.earlier, seen.settings, seen.system.now))
