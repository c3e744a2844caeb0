"""One look for all pictures: few lines, calm colours, and ink that can be read on light and on dark."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#7a808a"
"""Grey of equal contrast on white and on black; in a page's SVG it becomes the page's own text colour."""
COLOURS = ("#5b8fb9", "#cf8b52", "#6ca585", "#a07fb5", "#c46b6b", "#8f9640", "#4f9ea6", "#b5799a")
BLUE, ORANGE, GREEN, PURPLE, RED = COLOURS[:5]
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

    @property
    def svg(self) -> str:
        """The figure as an SVG element, its text and lines in the colour of the page around it."""
        written = io.StringIO()
        with rc_context(_STYLE | {"svg.hashsalt": self.name}):
            self.figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
        text = written.getvalue()
        return text[text.index("<svg") :].replace(INK, "currentColor")

    @property
    def png(self) -> bytes:
        """The figure as a picture with a transparent ground."""
        written = io.BytesIO()
        with rc_context(_STYLE):
            self.figure.savefig(written, format="png", dpi=110)
        return written.getvalue()


def show(pictures: Iterable[Picture]) -> None:
    """Shows pictures below a notebook's cell, each under its sentence."""
    from IPython.display import Image, Markdown, display

    for picture in pictures:
        display(Markdown(f"**{picture.title}.** {picture.sentence}"), Image(picture.png))


def axes(columns: int = 1, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """A figure of 7.6 inches' width with so many plots side by side."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.6, height), layout="constrained")
        made = figure.subplots(1, columns, squeeze=False)
    return figure, list(made[0])


def bars(
    at: Axes,
    values: Mapping[str, float],
    form: str = "{:,.0f}",
    colour: str = BLUE,
    title: str = "",
    least: float = 1e-9,
) -> None:
    """Horizontal bars, the first at the top, each with its number behind it; the axis ends at `least` or beyond."""
    names = [_shortened(name) for name in values]
    places = range(len(names))
    drawn = at.barh(places, list(values.values()), color=colour, height=0.66)
    at.set_yticks(list(places), names)
    at.invert_yaxis()
    at.bar_label(drawn, [form.format(value) for value in values.values()], padding=4, color=INK, fontsize=8.5)
    at.set_xlim(0, 1.2 * max([*values.values(), least]))
    at.set_xticks([])
    for side in ("bottom", "left"):
        at.spines[side].set_visible(False)
    titled(at, title)


def columns(at: Axes, values: Mapping[str, float], colour: str = BLUE, title: str = "", label: str = "") -> None:
    """Vertical bars without gaps, as a histogram has them."""
    places = range(len(values))
    at.bar(places, list(values.values()), color=colour, width=0.92)
    step = max(1, len(values) // 12)
    at.set_xticks(list(places)[::step], list(values)[::step])
    grid(at)
    titled(at, title)
    at.set_xlabel(label)


def grouped(at: Axes, groups: Sequence[str], series: Mapping[str, Sequence[float]], form: str = "{:.0%}") -> None:
    """Bars side by side for each group; the axis in `form`."""
    width = 0.8 / max(1, len(series))
    for number, (name, values) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(groups))]
        at.bar(places, list(values), width * 0.9, label=name, color=COLOURS[number])
    at.set_xticks(range(len(groups)), [_shortened(group) for group in groups])
    at.yaxis.set_major_formatter(lambda value, _: form.format(value))
    grid(at)
    legend(at)


def marker(at: Axes, place: float, text: str) -> None:
    """A vertical line with a word beside its upper end, above the plot."""
    at.axvline(place, color=RED, linewidth=1.2, linestyle=(0, (4, 2)))
    at.annotate(text, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
                ha="center", color=RED, fontsize=8.5)  # fmt: skip


def titled(at: Axes, title: str) -> None:
    """What the plot shows, above its left end."""
    at.set_title(title, color=INK, loc="left", fontsize=9.5)


def grid(at: Axes) -> None:
    """Faint horizontal lines in place of an axis."""
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
