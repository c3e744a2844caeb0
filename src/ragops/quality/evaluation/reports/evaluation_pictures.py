"""Pictures of an evaluation: each measure with its interval, judged rates raw and corrected, and the bill."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from ragops.platform.drawing import BLUE, INK, ORANGE, Picture, axes, bars, horizontal_lines, legend, set_title
from ragops.quality.evaluation.reports.page_content import Judged, Measured, Spent
from ragops.quality.statistics.intervals import Interval
from ragops.usecase.evaluation import JUDGES

_ROW = 0.3  # inches
_APART = 0.08  # of a row: by how much raw and corrected rates are drawn apart


def evaluation_pictures(
    measures: Sequence[Measured], judged: Sequence[Judged], spent: Sequence[Spent]
) -> Iterator[Picture]:
    """What there is to show; without judges the measures alone."""
    if unjudged := [one for one in measures if one.name not in JUDGES]:
        yield measured(unjudged)
    if judged:
        yield rates(judged)
        yield bill(spent)


def measured(measures: Sequence[Measured]) -> Picture:
    """A dot for each mean, a line for its 95 % interval."""
    figure, (at,) = axes(1, height=0.7 + _ROW * len(measures))
    for row, one in enumerate(measures):
        _draw(at, row, one.own, BLUE)
    _rows(at, [one.name.replace("_", " ") for one in measures])
    set_title(at, "share of the questions that it applies to")
    widest = max(measures, key=lambda one: _width(one.own))
    sentence = (
        f"The least certain is {widest.name.replace('_', ' ')}: {widest.own.low:.2f} to {widest.own.high:.2f} on "
        f"{widest.n} questions in {widest.own.clusters} topics."
    )
    return Picture("measures", "What was measured", sentence, figure)


def rates(judged: Sequence[Judged]) -> Picture:
    """The share of answers that each judge calls good, and what it becomes with people's labels."""
    figure, (at,) = axes(1, height=0.9 + 1.4 * _ROW * len(judged))
    for row, one in enumerate(judged):
        _draw(at, row - _APART, one.good, BLUE, "as judged" if not row else "")
        if one.corrected:
            first = not any(before.corrected for before in judged[:row])
            _draw(at, row + _APART, one.corrected, ORANGE, "corrected by people" if first else "")
    _rows(at, [one.name.replace("_", " ") for one in judged])
    legend(at)
    at.set_xlabel("share of good answers")
    deciding = [one.name.replace("_", " ") for one in judged if one.decides]
    sentence = f"{', '.join(deciding)} may decide." if deciding else "No judge may decide yet; they inform."
    missing = [one.name.replace("_", " ") for one in judged if not one.corrected]
    if missing:
        sentence += f" Without enough labels of people: {', '.join(missing)}."
    return Picture("judged", "What judges say", sentence, figure)


def bill(spent: Sequence[Spent]) -> Picture:
    """What answering and judging cost, and what people would have cost."""
    known = {one.what: one.cost for one in spent if not math.isnan(one.cost)}
    figure, (at,) = axes(1, height=0.7 + _ROW * len(known))
    bars(at, known, form="{:,.4g}")
    set_title(at, "in the currency of the prices in usecase.yml")
    notes = "; ".join(f"{one.what}: {one.note}" for one in spent if one.note)
    return Picture("bill", "The bill", f"{notes}." if notes else "Nothing was judged.", figure)


def _width(found: Interval) -> float:
    return -1.0 if math.isnan(found.high - found.low) else found.high - found.low


def _draw(at: Axes, row: float, found: Interval, color: str, label: str = "") -> None:
    if math.isnan(found.mean):
        return
    if not math.isnan(found.low):
        at.plot([found.low, found.high], [row, row], color=color, linewidth=2.4, alpha=0.45, solid_capstyle="round")
    at.plot([found.mean], [row], "o", color=color, markersize=6, label=label or None)
    at.annotate(f"{found.mean:.2f}", (found.mean, row), xytext=(0, 6), textcoords="offset points", ha="center",
                color=INK, fontsize=8)  # fmt: skip


def _rows(at: Axes, names: Sequence[str]) -> None:
    at.set_yticks(range(len(names)), names)
    at.set_ylim(len(names) - 0.5, -0.7)
    at.set_xlim(-0.03, 1.03)
    horizontal_lines(at)
