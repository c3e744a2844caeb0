"""`display`: a DataFrame as a table to sort and search, and as a chart. At most 1,000 rows leave Spark."""

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
