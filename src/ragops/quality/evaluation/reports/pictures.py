"""The picture of a comparison: each check's mean for each variant, with what chance could have made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from ragops.platform.drawing import COLOURS, INK, Picture, axes, grid, titled
from ragops.quality.evaluation.answers import DECISIVE
from ragops.quality.evaluation.bootstrap import Interval
from ragops.quality.evaluation.comparison import Tried, surely
from ragops.quality.evaluation.variants import labels

_ROW = 0.34  # inches


def comparison_pictures(tried: Sequence[Tried]) -> Iterator[Picture]:
    """The decisive checks, and what each answer takes; the first variant is the one that others are compared with."""
    if tried and tried[0].rows:
        yield checks(tried)
        yield effort(tried)


def checks(tried: Sequence[Tried]) -> Picture:
    """A dot for each mean, a line for its 95 % interval."""
    shown = [name for name in DECISIVE if any(not math.isnan(one.intervals()[name].mean) for one in tried)]
    figure, plots = axes(len(shown), height=0.9 + _ROW * len(tried))
    for number, (at, name) in enumerate(zip(plots, shown, strict=True)):
        _dots(at, [one.intervals()[name] for one in tried], name)
        _named(at, tried, shown=number == 0)
        at.set_xlim(-0.05, 1.05)
        at.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    return Picture("checks", "How good the answers are", verdict(tried), figure)


def effort(tried: Sequence[Tried]) -> Picture:
    """Seconds and tokens of a question."""
    figure, (left, right) = axes(2, height=0.9 + _ROW * len(tried))
    _dots(left, [one.intervals()["seconds"] for one in tried], "seconds a question")
    _named(left, tried, shown=True)
    left.set_xlim(0, None)
    bars = right.barh(range(len(tried)), [one.tokens for one in tried], color=COLOURS[: len(tried)], height=0.5)
    right.bar_label(bars, [f"{one.tokens:,.0f}" for one in tried], padding=4, color=INK, fontsize=8.5)
    right.margins(x=0.2)
    right.set_xticks([])
    right.set_yticks([])
    right.set_ylim(len(tried) - 0.5, -0.5)
    for side in ("bottom", "left"):
        right.spines[side].set_visible(False)
    titled(right, "tokens a question")
    seconds = {name: one.intervals()["seconds"].mean for name, one in zip(names(tried), tried, strict=True)}
    answered = {name: value for name, value in seconds.items() if not math.isnan(value)}
    slowest = max(answered, key=lambda name: answered[name], default="")
    result = f"The slowest, {slowest}, takes {answered[slowest]:.2f} s a question" if slowest else "None has answered"
    sentence = f"{result}; all together cost {sum(one.cost for one in tried):.4g} by the use case's prices."
    return Picture("effort", "What they take", sentence, figure)


def verdict(tried: Sequence[Tried]) -> str:
    """One sentence: which variant is surely better or worse than the first one, and in what."""
    first, *others = tried
    found = [
        f"{name} is surely {word} in {check} ({difference.mean:+.2f}, {difference.low:+.2f} to {difference.high:+.2f})"
        for name, one in zip(names(tried)[1:], others, strict=True)
        for check, difference in one.better_than(first).items()
        if (word := surely(difference))
    ]
    asked = f"On {len(first.rows)} questions, against {names(tried)[0]}: "
    if not others:
        return f"On {len(first.rows)} questions; there is nothing to compare with."
    return asked + ("; ".join(found) if found else "chance alone explains every difference; ask more questions") + "."


def names(tried: Sequence[Tried]) -> list[str]:
    """The variants' labels."""
    return labels([one.variant for one in tried])


def _dots(at: Axes, found: Sequence[Interval], title: str) -> None:
    for place, one in enumerate(found):
        if not math.isnan(one.mean):
            colour = COLOURS[place % len(COLOURS)]
            at.plot(
                [one.low, one.high], [place, place], color=colour, linewidth=2.4, alpha=0.45, solid_capstyle="round"
            )
            at.plot([one.mean], [place], "o", color=colour, markersize=6)
    titled(at, title.replace("_", " "))


def _named(at: Axes, tried: Sequence[Tried], shown: bool) -> None:
    at.set_yticks(range(len(tried)), names(tried) if shown else [""] * len(tried))
    at.set_ylim(len(tried) - 0.5, -0.5)
    grid(at)
