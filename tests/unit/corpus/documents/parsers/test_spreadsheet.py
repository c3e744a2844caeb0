from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.spreadsheet import parse_xlsx


def test_cells_have_the_values_that_excel_displays(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    sheet.append([])
    sheet.append(["when", "n", "text", None])
    sheet.append([date(2024, 1, 2), 2024, "two\nlines", None])
    sheet.append([datetime(2024, 1, 2, 3, 4), None, True, None])
    workbook.save(tmp_path / "a.xlsx")
    assert parse_xlsx(tmp_path / "a.xlsx", ParseLimits()).markdown.splitlines()[2:] == [
        "| when | n | text |",
        "| --- | --- | --- |",
        "| 2024-01-02 | 2024 | two lines |",
        "| 2024-01-02 03:04:00 |  | True |",
    ]


def test_a_cell_far_away_does_not_fill_a_million_rows(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active["A1"] = "near"
    workbook.active["C200000"] = "far"
    workbook.save(tmp_path / "a.xlsx")
    rows = parse_xlsx(tmp_path / "a.xlsx", ParseLimits()).markdown.splitlines()[2:]
    assert rows == ["| near |  |  |", "| --- | --- | --- |", "|  |  | far |"]
