from decimal import Decimal

import pandas as pd
import pytest
from localbundle.lab import display
from localbundle.lab.display import Chart


class Frame:
    """The part of Spark's DataFrame that `display` uses."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def limit(self, rows: int) -> "Frame":
        return Frame(min(rows, self.rows))

    def toPandas(self) -> pd.DataFrame:  # noqa: N802
        assert self.rows <= 1000, "more than 1,000 rows left Spark"
        return pd.DataFrame({"id": range(self.rows), "vector": [[0.5] * 400] * self.rows})


@pytest.fixture
def shown(monkeypatch) -> list:
    outputs: list = []
    monkeypatch.setattr(display, "show", lambda value, **options: outputs.append(value))
    return outputs


@pytest.mark.parametrize("frame", [Frame(5000), pd.DataFrame({"id": range(5000)})])
def test_at_most_a_thousand_rows_are_shown(frame, shown) -> None:
    display.display(frame)
    (output,) = shown
    assert "application/vnd.jupyter.widget-view+json" in output
    assert output["text/html"].count("<tr") == 21


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame([[1, 2]], columns=["a", "a"])])
def test_an_odd_frame_is_shown_too(frame, shown) -> None:
    display.display(frame)
    assert len(shown) == 1


def test_other_values_are_shown_as_they_are(shown) -> None:
    display.display("text", 1)
    assert shown == ["text", 1]


def test_values_are_made_readable() -> None:
    column = display._readable(pd.Series([[1] * 400, None, "x" * 400, 2], dtype=object))
    assert column[0].startswith("[1, 1") and column[0].endswith("…")
    assert (column[1], len(column[2]), column[3]) == (None, 301, 2)
    assert display._readable(pd.Series([Decimal("1.5")])).dtype == float


@pytest.mark.parametrize("kind", ["bar", "line", "scatter", "histogram"])
@pytest.mark.parametrize("y", ["rows", "n"])
def test_a_chart_of_each_kind(kind: str, y: str) -> None:
    chart = Chart(pd.DataFrame({"n": [3, 1, 2], "m": [1.0, None, 2.0], "word": ["a", "b", "a"]}))
    chart._x.value, chart._y.value = "n", y
    chart._kind.value = kind
    chart.draw()
    assert bytes(chart._picture.value).startswith(b"\x89PNG")
    assert chart._error.value == ""


def test_a_chart_that_cannot_be_says_why() -> None:
    chart = Chart(pd.DataFrame())
    chart.draw()
    assert chart._error.value.startswith("no bar chart of None and rows")
