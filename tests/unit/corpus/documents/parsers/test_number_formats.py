from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.parsers.number_formats import shown


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (0.256, "0.0%", "25.6%"),
        (0.025, "0%", "3%"),  # Excel rounds half up
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00;[Red](#,##0.00)", "(1,234.50)"),
        (1234.5, '#,##0.00 "€"', "1,234.50 €"),
        (45, "[$€-407] #,##0.00", "€ 45.00"),
        (0, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$-"),
        (42, "00000", "00042"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (90417, ";;;", ""),
        ("hidden", ";;;", ""),
        (1234567, '0.0,,"M"', "1.2M"),
        (3.5, "# ?/?", "3.5"),
        (12345.678, "0.00E+00", "1.23E+04"),
        (1.0, "0.0#", "1.0"),
        (0, "#", ""),
        (-0.001, "0.0", "0.0"),
        (-3, "0", "-3"),
        (5, 'General" pcs"', "5 pcs"),
        (0, '"yes";"yes";"no"', "no"),
        (12, '[<5]"low";"high"', "12"),
        (1e30, "#,##0.00", "1e+30"),
        (float("nan"), "0", "NaN"),
        (1234567890123456, "0", "1234567890123456"),
        (0.1 + 0.2, None, "0.3"),
        (True, "0.00", "TRUE"),
        (None, "0", ""),
        (date(2024, 1, 1), "mmm yyyy", "2024-01"),
        (date(2024, 1, 1), "yyyy", "2024"),
        (date(2024, 1, 2), "mmm yyyy", "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4), "d/m/yy h:mm", "2024-01-02 03:04:00"),
        (datetime(2024, 1, 2, 3, 4), "d/m/yy", "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4), "h:mm", "03:04"),
        (time(3, 4), "h:mm:ss", "03:04:00"),
        (timedelta(hours=30), "[h]:mm", "30:00"),
    ],
)
def test_values_are_shown_as_excel_shows_them(value: object, code: str | None, expected: str) -> None:
    assert shown(value, code) == expected


@given(st.integers(-(10**12), 10**12), st.integers(0, 8))
def test_separators_and_decimals_change_no_digit(number: int, decimals: int) -> None:
    code = "#,##0" + ("." + "0" * decimals if decimals else "")
    assert shown(number, code).replace(",", "") == f"{number}" + ("." + "0" * decimals if decimals else "")


@given(st.floats() | st.integers(), st.text('0#?,.;"E+-%[]$@\\_* /', max_size=20))
def test_any_format_gives_one_line(number: float, code: str) -> None:
    assert "\n" not in shown(number, code)
