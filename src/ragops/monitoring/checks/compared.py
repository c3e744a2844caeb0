"""One comparison of the recent window with the baseline, as a finding with its p-value; `decide` decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import Blocks
from ragops.monitoring.checks.change_points import changed_since
from ragops.monitoring.checks.permutation import Side, mean_shift
from ragops.monitoring.finding import ChangeKind, Found, Severity, Unreadable
from ragops.monitoring.system.system import Frame, System
from ragops.usecase.measures import Unit

WORTH_A_DATE = 0.02
"""The p-value above which nobody will read since when."""


@dataclass(frozen=True)
class Compared:
    """What a comparison says if it counts.

    Attributes:
        check: its id.
        what: what is compared, as the beginning of a title.
        side: which differences are faults.
        unit: of the values.
        action: what to do.
        command: to look closer.
        causes: kinds of changes that can cause it, the most likely ones first.
        severity: of the finding.
        otherwise: the cause if nothing was changed then that can cause it; "" if that is not known.
        of_logarithms: whether the values are natural logarithms, so that their geometric means are compared.
    """

    check: str
    what: str
    side: Side
    unit: Unit
    action: str
    command: str
    causes: tuple[ChangeKind, ...] = ()
    severity: Severity = "low"
    otherwise: str = ""
    of_logarithms: bool = False


def compare(
    system: System, one: Compared, found: Blocks, *, subject: str = "", details: str = "", cause: str | None = None
) -> Iterator[Found]:
    """The comparison's finding, whatever came out; nothing where a window has no values.

    Args:
        system: with its changes.
        one: what is compared.
        found: the values, shape (rows,).
        subject: of the finding.
        details: further lines.
        cause: where it is known.
    """
    if not found.is_comparable:
        return
    p_value = mean_shift(found.recent, found.baseline, one.side)
    now, before = (float(np.exp(value)) if one.of_logarithms else value for value in (found.now, found.before))
    what = f"{one.what} {subject}" if subject and not one.what.endswith(subject) else one.what
    figures = (
        f"mean of {len(found.recent):,} blocks (a person in a period) now, {len(found.baseline):,} before; "
        f"{found.rows:,} rows now"
    )
    yield Found(
        check=one.check,
        subject=subject,
        severity=one.severity,
        title=f"{what}: {shown(now, one.unit)} instead of {shown(before, one.unit)}",
        since=changed_since(system, found, one.causes) if p_value <= WORTH_A_DATE else system.recent_since,
        value=now,
        expected=before,
        unit=one.unit,
        p_value=p_value,
        details="\n".join(line for line in (figures, details) if line),
        causes=one.causes,
        cause=cause,
        otherwise=one.otherwise,
        action=one.action,
        command=one.command,
    )


def shown(value: float, unit: Unit) -> str:
    """A value as titles show it: shares in percent."""
    if unit == "share":
        return f"{value:.1%}" if 0 < value < 0.1 else f"{value:.0%}"
    suffix = {"s": " s", "ms": " ms", "min": " min", "h": " h", "per hour": " /h", "per min": " /min"}.get(unit, "")
    return f"{value:,.3g}{suffix}" if abs(value) < 1000 else f"{value:,.0f}{suffix}"


def rows(frame: Frame) -> pd.DataFrame:
    """A frame that could be read: a topic is not run without its sources.

    Raises:
        LookupError: it could not be read, and the topic does not name it among its sources.
    """
    if isinstance(frame, Unreadable):
        raise LookupError(f"{frame.source} could not be read ({frame.reason}); name it among the topic's sources")
    if frame.empty:  # its columns have no types then
        return frame.astype({name: "datetime64[us, UTC]" for name in frame.columns if name.endswith("_at")})
    return frame


def numbers(values: pd.Series) -> pd.Series:
    """As floats, NaN where a value is not known."""
    return pd.to_numeric(values, errors="coerce").astype(float)


def logarithms(values: pd.Series) -> pd.Series:
    """Natural logarithms; NaN where a value is not known or not above 0."""
    given = numbers(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.Series(np.log(given.where(given > 0)), index=given.index)
