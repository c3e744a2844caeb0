"""A chart of some rows, which a person configures by a kind and two columns."""

import io
from collections.abc import Callable
from typing import Any

import ipywidgets
import pandas as pd

_COUNT = "rows"
_BARS = 30
# Gray is readable on white and on black.
_STYLE: Any = dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#8a8a8a"
)


class Chart:
    """Controls above a picture, which is empty until `draw`."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows
        numbers = [str(name) for name in rows.select_dtypes("number")]
        names = [str(name) for name in rows]
        self._kind = ipywidgets.ToggleButtons(options=tuple(_KINDS), style={"button_width": "96px"})
        self._x = _choice("x", names, next((name for name in names if name not in numbers), None))
        self._y = _choice("y", [_COUNT, *numbers], numbers[0] if numbers else _COUNT)
        self._picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="760px"))
        self._error = ipywidgets.HTML()
        for control in (self._kind, self._x, self._y):
            control.observe(lambda change: self.draw(), "value")
        controls = ipywidgets.Box([self._kind, self._x, self._y], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.box = ipywidgets.VBox([controls, self._error, self._picture])

    def draw(self) -> None:
        """Draws the chosen chart, or shows why it cannot be drawn."""
        kind, x, y = self._kind.value, self._x.value, self._y.value
        try:
            self._picture.value = _png(lambda axes: _KINDS[kind](axes, self._rows, x, y))
            self._error.value = ""
        except (TypeError, ValueError) as error:
            self._error.value = f"no {kind} chart of {x} and {y}: {error}"


def _choice(label: str, options: list[str], value: str | None) -> ipywidgets.Dropdown:
    value = value or (options[0] if options else None)
    return ipywidgets.Dropdown(
        description=label, options=options, value=value, style={"description_width": "24px"}, layout={"width": "220px"}
    )


def _grouped(rows: pd.DataFrame, x: str, y: str) -> pd.Series:
    groups = rows.groupby(x, observed=True)
    return groups.size() if y == _COUNT else groups[y].sum()


def _bar(axes: Any, rows: pd.DataFrame, x: str, y: str) -> None:  # noqa: ANN401 - matplotlib's Axes
    values = _grouped(rows, x, y).nlargest(_BARS)[::-1]
    axes.barh([str(name)[:40] for name in values.index], values)
    axes.set(xlabel=_total(y), ylabel=x)


def _line(axes: Any, rows: pd.DataFrame, x: str, y: str) -> None:  # noqa: ANN401
    values = _grouped(rows, x, y)
    axes.plot(values.index, values)
    axes.set(xlabel=x, ylabel=_total(y))


def _scatter(axes: Any, rows: pd.DataFrame, x: str, y: str) -> None:  # noqa: ANN401
    axes.scatter(rows[x], rows.index if y == _COUNT else rows[y], s=12, alpha=0.6)
    axes.set(xlabel=x, ylabel=y)


def _histogram(axes: Any, rows: pd.DataFrame, x: str, y: str) -> None:  # noqa: ANN401
    axes.hist(rows[x if y == _COUNT else y].dropna(), bins=30)
    axes.set(xlabel=x if y == _COUNT else y, ylabel=_COUNT)


def _total(y: str) -> str:
    return _COUNT if y == _COUNT else f"sum of {y}"


_KINDS: dict[str, Callable[[Any, pd.DataFrame, str, str], None]] = {
    "bar": _bar,
    "line": _line,
    "scatter": _scatter,
    "histogram": _histogram,
}


def _png(draw: Callable[[Any], None]) -> bytes:
    from matplotlib import rc_context  # slow, and most tables are never drawn
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(7.6, 4), layout="constrained")
        axes = figure.subplots()
        axes.set_facecolor("none")
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        written = io.BytesIO()
        figure.savefig(written, format="png", dpi=144, transparent=True)
    return written.getvalue()
