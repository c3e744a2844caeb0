"""Pictures of a comparison: each variant's means with their intervals, and what answers cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from ragops.platform.drawing import COLORS, INK, Picture, axes, horizontal_lines, set_title
from ragops.quality.evaluation.answers import DECISIVE, SECONDS
from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.evaluation.variants import labels
from ragops.quality.statistics.intervals import Interval

_ROW = 0.34  # inches


def comparison_pictures(results: Sequence[VariantResult]) -> Iterator[Picture]:
    """The decisive checks and the effort per answer; the other variants are compared with the first one."""
    if results and results[0].rows:
        yield checks(results)
        yield effort(results)


def checks(results: Sequence[VariantResult]) -> Picture:
    """A dot for each mean, a line for its 95 % interval."""
    shown = [name for name in DECISIVE if any(not math.isnan(one.intervals()[name].mean) for one in results)]
    figure, plots = axes(len(shown), height=0.9 + _ROW * len(results))
    for number, (at, name) in enumerate(zip(plots, shown, strict=True)):
        _dots(at, [one.intervals()[name] for one in results], name)
        _label_rows(at, results, visible=number == 0)
        at.set_xlim(-0.05, 1.05)
        at.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    return Picture("checks", "Quality of the answers", summary(results), figure)


def effort(results: Sequence[VariantResult]) -> Picture:
    """Seconds and tokens per question."""
    figure, (left, right) = axes(2, height=0.9 + _ROW * len(results))
    _dots(left, [one.intervals()[SECONDS] for one in results], "seconds per question")
    _label_rows(left, results, visible=True)
    left.set_xlim(0, None)
    bars = right.barh(range(len(results)), [one.tokens for one in results], color=COLORS[: len(results)], height=0.5)
    right.bar_label(bars, [f"{one.tokens:,.0f}" for one in results], padding=4, color=INK, fontsize=8.5)
    right.margins(x=0.2)
    right.set_xticks([])
    right.set_yticks([])
    right.set_ylim(len(results) - 0.5, -0.5)
    for side in ("bottom", "left"):
        right.spines[side].set_visible(False)
    set_title(right, "tokens per question")
    seconds = {name: one.intervals()[SECONDS].mean for name, one in zip(_names(results), results, strict=True)}
    answered = {name: value for name, value in seconds.items() if not math.isnan(value)}
    slowest = max(answered, key=lambda name: answered[name], default="")
    latency = f"{slowest} is the slowest, with {answered[slowest]:.2f} s per question" if slowest else "None answered"
    sentence = f"{latency}; all together cost {sum(one.cost for one in results):.4g} by the use case's prices."
    return Picture("effort", "Latency and cost", sentence, figure)


def summary(results: Sequence[VariantResult]) -> str:
    """One sentence: which variant is significantly better or worse than the first one, and on which check."""
    first, *others = results
    names = _names(results)
    if not others:
        return f"On {len(first.rows)} questions; there is no other variant to compare with."
    found = [
        f"{name} is significantly {difference.verdict} on {check} "
        f"({difference.mean:+.2f}, {difference.low:+.2f} to {difference.high:+.2f})"
        for name, one in zip(names[1:], others, strict=True)
        for check, difference in one.better_than(first).items()
        if difference.verdict
    ]
    outcome = "; ".join(found) if found else "no difference is significant; ask more questions"
    return f"On {len(first.rows)} questions, compared with {names[0]}: {outcome}."


def _names(results: Sequence[VariantResult]) -> list[str]:
    return labels([one.variant for one in results])


def _dots(at: Axes, found: Sequence[Interval], title: str) -> None:
    for row, one in enumerate(found):
        if not math.isnan(one.mean):
            color = COLORS[row % len(COLORS)]
            at.plot([one.low, one.high], [row, row], color=color, linewidth=2.4, alpha=0.45, solid_capstyle="round")
            at.plot([one.mean], [row], "o", color=color, markersize=6)
    set_title(at, title.replace("_", " "))


def _label_rows(at: Axes, results: Sequence[VariantResult], visible: bool) -> None:
    at.set_yticks(range(len(results)), _names(results) if visible else [""] * len(results))
    at.set_ylim(len(results) - 0.5, -0.5)
    horizontal_lines(at)
