from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.parsers.sheet_regions import SheetRow, sheet_markdown


def sheet(*rows: tuple[object, ...]) -> list[SheetRow]:
    return [
        SheetRow(
            number,
            tuple("" if cell is None else str(cell) for cell in row),
            frozenset(column for column, cell in enumerate(row) if isinstance(cell, int)),
        )
        for number, row in enumerate(rows)
        if any(cell is not None for cell in row)
    ]


def test_a_note_between_tables_stands_alone() -> None:
    rows = sheet(("a", "b"), ("x", 1), (), ("See the appendix.",), (), ("c", "d"), ("y", 2))
    assert sheet_markdown(rows).split("\n\n") == [
        "| a | b |\n| --- | --- |\n| x | 1 |",
        "See the appendix.",
        "| c | d |\n| --- | --- |\n| y | 2 |",
    ]


def test_an_empty_column_of_one_table_does_not_divide_it() -> None:
    rows = sheet(("a", None, "b"), ("x", None, 1), ("y", None, 2))
    assert sheet_markdown(rows).startswith("| a |  | b |\n| --- |")


def test_a_value_far_to_the_right_keeps_its_column() -> None:
    rows = sheet(("a", "b", "c"), (None, None, "see note 4"), ("y", None, 1))
    assert sheet_markdown(rows).splitlines()[2] == "|  |  | see note 4 |"


@given(st.lists(st.lists(st.none() | st.integers(0, 99) | st.sampled_from("abc"), max_size=6), max_size=12))
def test_every_value_of_a_sheet_is_in_its_markdown(rows: list[list[object]]) -> None:
    words = sheet_markdown(sheet(*map(tuple, rows))).replace("|", " ").split()
    for row in rows:
        for cell in row:
            assert cell is None or str(cell) in words
