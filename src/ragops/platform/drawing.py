"""One look for all pictures: few lines, calm colors, and text that is legible on light and on dark backgrounds."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#7a808a"
"""A gray of equal contrast on white and on black; in a page's SVG it becomes the page's own text color."""
COLORS = ("#5b8fb9", "#cf8b52", "#6ca585", "#a07fb5", "#c46b6b", "#8f9640", "#4f9ea6", "#b5799a")
BLUE, ORANGE, GREEN, PURPLE, RED = COLORS[:5]
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
}
_LONGEST_LABEL = 34


@dataclass(frozen=True)
class Picture:
    """A figure, and one sentence that says what it means for this corpus."""

    name: str
    title: str
    sentence: str
    figure: Figure

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG element, its text and lines in the color of the page around it."""
        written = io.StringIO()
        with rc_context(_STYLE | {"svg.hashsalt": self.name}):
            self.figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
        text = written.getvalue()
        return text[text.index("<svg") :].replace(INK, "currentColor")

    @property
    def png(self) -> bytes:
        """The figure as a PNG with a transparent background."""
        written = io.BytesIO()
        with rc_context(_STYLE):
            self.figure.savefig(written, format="png", dpi=110)
        return written.getvalue()


def show_pictures(pictures: Iterable[Picture]) -> None:
    """Displays pictures below a notebook's cell, each under its sentence."""
    from IPython.display import Image, Markdown, display

    for picture in pictures:
        display(Markdown(f"**{picture.title}.** {picture.sentence}"), Image(picture.png))


def axes(columns: int = 1, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """A figure 7.6 inches wide with `columns` plots side by side; `height` in inches."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.6, height), layout="constrained")
        plots = figure.subplots(1, columns, squeeze=False)
    return figure, list(plots[0])


def bars(
    at: Axes,
    values: Mapping[str, float],
    form: str = "{:,.0f}",
    color: str = BLUE,
    title: str = "",
    least: float = 1e-9,
) -> None:
    """Horizontal bars, the first at the top, each followed by its number; the axis ends at `least` or beyond."""
    names = [_shortened(name) for name in values]
    rows = range(len(names))
    drawn = at.barh(rows, list(values.values()), color=color, height=0.66)
    at.set_yticks(list(rows), names)
    at.invert_yaxis()
    at.bar_label(drawn, [form.format(value) for value in values.values()], padding=4, color=INK, fontsize=8.5)
    at.set_xlim(0, 1.2 * max([*values.values(), least]))
    at.set_xticks([])
    for side in ("bottom", "left"):
        at.spines[side].set_visible(False)
    set_title(at, title)


def histogram(at: Axes, values: Mapping[str, float], color: str = BLUE, title: str = "", label: str = "") -> None:
    """Vertical bars without gaps; `label` is the horizontal axis's."""
    positions = range(len(values))
    at.bar(positions, list(values.values()), color=color, width=0.92)
    step = max(1, len(values) // 12)
    at.set_xticks(list(positions)[::step], list(values)[::step])
    horizontal_lines(at)
    set_title(at, title)
    at.set_xlabel(label)


def grouped_bars(at: Axes, groups: Sequence[str], series: Mapping[str, Sequence[float]], form: str = "{:.0%}") -> None:
    """Vertical bars side by side for each group; `form` formats the axis."""
    width = 0.8 / max(1, len(series))
    for number, (name, values) in enumerate(series.items()):
        positions = [group + (number - (len(series) - 1) / 2) * width for group in range(len(groups))]
        at.bar(positions, list(values), width * 0.9, label=name, color=COLORS[number])
    at.set_xticks(range(len(groups)), [_shortened(group) for group in groups])
    at.yaxis.set_major_formatter(lambda value, _: form.format(value))
    horizontal_lines(at)
    legend(at)


def marker(at: Axes, x: float, text: str) -> None:
    """A vertical line with a label above the plot."""
    at.axvline(x, color=RED, linewidth=1.2, linestyle=(0, (4, 2)))
    at.annotate(text, (x, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
                ha="center", color=RED, fontsize=8.5)  # fmt: skip


def set_title(at: Axes, title: str) -> None:
    """A title above the plot's left end."""
    at.set_title(title, color=INK, loc="left", fontsize=9.5)


def horizontal_lines(at: Axes) -> None:
    """Faint horizontal grid lines instead of a vertical axis."""
    at.grid(axis="y", color=INK, alpha=0.22, linewidth=0.6)
    at.spines["left"].set_visible(False)


def legend(at: Axes) -> None:
    """The legend above the plot, in one row."""
    at.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=8, labelcolor=INK, fontsize=8.5, frameon=False,
        borderaxespad=0.2, handlelength=1.2, columnspacing=1.4, handletextpad=0.5,
    )  # fmt: skip


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
