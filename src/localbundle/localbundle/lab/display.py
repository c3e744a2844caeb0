"""`display`: a DataFrame as a table to sort and search, and as a chart. At most 1,000 rows leave Spark."""

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ipywidgets
import pandas as pd
from IPython.display import display as show
from itables.widget import ITable

from localbundle.kernels.output import SHOWN_ROWS

_CELL_CHARACTERS = 300
_STATIC_ROWS = 20
_COUNT = "rows"
_BARS = 30
# Gray is readable on white and on black.
_STYLE: Any = dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#8a8a8a"
)


def display(*values: Any, **options: Any) -> None:  # noqa: ANN401 - as IPython's
    """Shows values; of Spark and pandas DataFrames the first rows."""
    for value in values:
        if isinstance(value, pd.DataFrame):
            _explore(value.head(SHOWN_ROWS))
        elif hasattr(value, "toPandas") and hasattr(value, "limit"):
            _explore(value.limit(SHOWN_ROWS).toPandas())
        else:
            show(value, **options)


def _explore(rows: pd.DataFrame) -> None:
    """Shows tabs, with a plain table as a fallback where widgets do not work, as in an export."""
    rows = rows.apply(_readable).rename(columns=str)
    chart = Chart(rows)
    tabs = ipywidgets.Tab([ipywidgets.VBox([_table(rows), *_row_limit(rows)]), chart.box], titles=("Table", "Chart"))
    tabs.observe(lambda change: chart.draw(), "selected_index")
    bundle = tabs._repr_mimebundle_()
    show({**bundle, "text/html": rows.head(_STATIC_ROWS).to_html()}, raw=True)


def _table(rows: pd.DataFrame) -> ITable:
    return ITable(
        rows,
        maxBytes=0,
        classes="display compact",
        style="table-layout:auto;width:auto;float:left",
    )


def _row_limit(rows: pd.DataFrame) -> list[ipywidgets.Widget]:
    """A note if there may be more rows than are shown."""
    is_complete = len(rows) < SHOWN_ROWS
    return [] if is_complete else [ipywidgets.HTML(f"<small>the first {SHOWN_ROWS:,} rows</small>")]


def _readable(column: pd.Series) -> pd.Series:
    """Vectors, structs and long texts shortened; numbers and times unchanged."""
    return column.map(_shortened) if column.dtype == object else column


def _shortened(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return text if len(text) <= _CELL_CHARACTERS else f"{text[:_CELL_CHARACTERS]}…"


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
