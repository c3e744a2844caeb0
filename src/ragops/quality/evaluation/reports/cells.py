"""Shared parts of the comparison tables: their layout, and means and differences in few characters."""

from __future__ import annotations

import math
import re

from rich.table import Table

from ragops.quality.statistics.intervals import Interval

_LEADING_ZERO, _WHOLE = re.compile(r"^([+-]?)0(?=\.)"), re.compile(r"^([+-]?1)\.00$")
_COLORS = {"better": "green", "worse": "red", "": "dim"}


def comparison_table(title: str) -> Table:
    """A table with a first column for names."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", min_width=15, overflow="fold")
    return table


def mean_cell(found: Interval, digits: int = 2) -> str:
    """A mean with its interval in a second line; "-" if it is NaN."""
    if math.isnan(found.mean):
        return "-"
    return f"{short(found.mean, digits)}\n[dim]{short(found.low)}-{short(found.high)}[/]"


def difference_cell(found: Interval) -> str:
    """A difference with its interval, colored only where it is significant; "-" if it is NaN."""
    if math.isnan(found.mean):
        return "-"
    between = f"{short(found.low, sign='+')}..{short(found.high, sign='+')}"
    return f"[{_COLORS[found.verdict]}]{short(found.mean, 3, '+')} {between}[/]"


def short(number: float, digits: int = 2, sign: str = "") -> str:
    """Without the 0 before the point, and 1 for 1.00, so that a table fits 80 columns."""
    text = f"{number:{sign}.{digits}f}"
    return _WHOLE.sub(r"\1", _LEADING_ZERO.sub(r"\1", text))
