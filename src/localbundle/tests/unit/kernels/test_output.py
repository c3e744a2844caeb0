import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.kernels.output import LIMIT, Output, cell_text, of_rows

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.datetimes(),
    st.lists(st.tuples(st.text(), st.floats())),
)


@given(st.lists(st.tuples(values, values)))
def test_rows_of_any_values_survive_the_record(rows) -> None:
    output = of_rows(["a", "a"], rows, is_complete=True)
    assert Output.model_validate_json(output.model_dump_json()) == output
    assert len(output.rows) == len(rows) or not output.is_complete
    assert all(isinstance(cell_text(value), str) for row in output.rows for value in row)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("20.00"), "20.00"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (b"\x00\xff", "00ff"),
        (float("nan"), "nan"),
        (2**60, 2**60),
        ({"a": [date(2026, 1, 2)]}, {"a": ["2026-01-02"]}),
        ([("key", None)], [["key", None]]),
    ],
)
def test_values_are_kept_as_json_without_loss(value, kept) -> None:
    assert of_rows(["a"], [[value]], is_complete=True).records == [{"a": kept}]


def test_what_is_too_large_is_cut_and_said() -> None:
    output = of_rows(["a"], [["x" * 10_000]] * 10, is_complete=True)
    assert (len(output.rows), output.is_complete) == (4, False)
    assert len(json.dumps(output.rows)) <= LIMIT


@pytest.mark.parametrize(("value", "text"), [(None, "NULL"), ("NULL", "NULL"), (1.5, "1.5"), (["ä"], '["ä"]')])
def test_a_value_is_shown_as_text(value, text) -> None:
    assert cell_text(value) == text
