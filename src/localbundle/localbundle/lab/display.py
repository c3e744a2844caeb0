"""`display`: a DataFrame as a table to sort and search, and as a chart to pick. At most 1,000 rows leave Spark."""

from decimal import Decimal
from typing import Any

import ipywidgets
import pandas as pd
from IPython.display import display as show
from itables.widget import ITable

from localbundle.kernels.bootstrap import SHOWN_ROWS
from localbundle.lab.charts import Chart

_CELL_CHARACTERS = 300
_STATIC_ROWS = 20


def display(*values: Any, **options: Any) -> None:  # noqa: ANN401 - as IPython's
    """Shows values; DataFrames of Spark and pandas with their first rows."""
    for value in values:
        if isinstance(value, pd.DataFrame):
            _explore(value.head(SHOWN_ROWS))
        elif hasattr(value, "toPandas") and hasattr(value, "limit"):
            _explore(value.limit(SHOWN_ROWS).toPandas())
        else:
            show(value, **options)


def _explore(rows: pd.DataFrame) -> None:
    """Beside the tabs, a plain table is kept for places where no widget lives: an export, a page on the web."""
    rows = rows.apply(_readable).rename(columns=str)
    chart = Chart(rows)
    tabs = ipywidgets.Tab([ipywidgets.VBox([_table(rows), *_bound(rows)]), chart.box], titles=("Table", "Chart"))
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


def _bound(rows: pd.DataFrame) -> list[ipywidgets.Widget]:
    """Says so where there may be more rows than are shown."""
    whole = len(rows) < SHOWN_ROWS
    return [] if whole else [ipywidgets.HTML(f"<small>the first {SHOWN_ROWS:,} rows</small>")]


def _readable(column: pd.Series) -> pd.Series:
    """Vectors, structs and long texts as the beginning of their text; numbers and times as they are."""
    return column.map(_shortened) if column.dtype == object else column


def _shortened(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return text if len(text) <= _CELL_CHARACTERS else f"{text[:_CELL_CHARACTERS]}…"
