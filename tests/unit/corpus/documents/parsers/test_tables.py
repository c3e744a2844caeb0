from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.parsers.tables import markdown_table


def test_rows_of_the_header_are_joined_and_empty_columns_at_the_right_cut() -> None:
    rows = [["Zone", "Price", "Price", ""], ["Zone", "net", "gross", ""], ["North", "1", "2", ""], ["", "", "", ""]]
    assert markdown_table(rows, 2).splitlines() == [
        "| Zone | Price net | Price gross |",
        "| --- | --- | --- |",
        "| North | 1 | 2 |",
    ]


def test_a_wide_row_names_its_columns_and_itself_in_each_line() -> None:
    header = ["Machine", *(f"Sensor number {n}" for n in range(60))]
    lines = markdown_table([header, ["M1", *map(str, range(60))]]).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("- Machine: M1; Sensor number") for line in lines)
    assert lines[-1].endswith("Sensor number 59: 59")


def test_nothing_gives_nothing() -> None:
    assert markdown_table([]) == markdown_table([["", " "]]) == ""


_CELLS = st.lists(st.lists(st.text("ab |\n", max_size=300), max_size=12), max_size=8)


@given(_CELLS, st.integers(1, 3))
def test_no_cell_is_lost(rows: list[list[str]], headers: int) -> None:
    table = markdown_table(rows, headers).replace("\\|", "|")
    for row in rows:
        for cell in row:
            assert " ".join(cell.split()) in table
