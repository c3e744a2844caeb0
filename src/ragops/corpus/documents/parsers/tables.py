"""Rows of cells to Markdown in which a row keeps its meaning when it stands alone, as in a part of a long table."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

# Characters. A chunk repeats the header of a long table unless that fills half of it (100 tokens in the default), and
# divides a row that is longer than a chunk.
_LONGEST_HEADER = 300
_LONGEST_ROW = 600
_LONGEST_LABEL = 60
_LONGEST_LINE = 400

Row = Sequence[str]


def markdown_table(rows: Sequence[Row], headers: int = 1) -> str:
    """A pipe table, or a list of records where the header or a row is too long for one; '' without any text.

    Args:
        rows: cells as text; a cell that spans rows or columns is repeated in each. Rows may differ in length.
        headers: number of rows at the top that name the columns, at least one.
    """
    texts = [[" ".join(cell.split()) for cell in row] for row in rows]
    width = max((number for row in texts for number, cell in enumerate(row, 1) if cell), default=0)
    padded = [[*row, *[""] * width][:width] for row in texts if any(row)]
    if not padded:
        return ""
    header = [_joined(column) for column in zip(*padded[:headers], strict=True)]
    body = padded[headers:]
    too_long = _length(header) > _LONGEST_HEADER or any(_length(row) > _LONGEST_ROW for row in body)
    if body and width > 1 and too_long:
        return "\n".join(line for row in body for line in _record(header, row))
    return "\n".join([_line(header), f"|{' --- |' * width}", *map(_line, body)])


def table_in_cell(rows: Sequence[Row], headers: int = 1) -> str:
    """A table that stands in a cell of another one, on one line: "No: 1, Part: Bolt; No: 2, Part: Nut"."""
    texts = [[" ".join(cell.split()) for cell in row] for row in rows]
    names = [_joined(column) for column in zip_longest(*texts[:headers], fillvalue="")]
    lines = (_named(names, row) for row in texts[headers:]) if len(texts) > headers else map(_named_by_none, texts)
    return "; ".join(filter(None, lines))


def _named(names: Sequence[str], row: Row) -> str:
    pairs = zip_longest(names[: len(row)], row, fillvalue="")
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _named_by_none(row: Row) -> str:
    return " ".join(filter(None, row))


def _joined(cells: Sequence[str]) -> str:
    """The name of a column whose header has several rows, without the repetitions of spanned cells."""
    return " ".join(dict.fromkeys(cell for cell in cells if cell))


def _length(row: Row) -> int:
    return sum(map(len, row)) + 3 * len(row)


def _line(row: Row) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _record(header: Row, row: Row) -> Iterator[str]:
    """A row as list items with the names of its columns; each begins with the row's first cell, which identifies it."""
    pairs = [f"{name}: {cell}" if name else cell for name, cell in zip(header, row, strict=True) if cell]
    label = pairs[0] if row[0] and len(pairs[0]) <= _LONGEST_LABEL else ""
    parts = pairs[1:] if label else pairs
    line: list[str] = []
    for part in parts:
        if line and sum(map(len, line)) + len(part) > _LONGEST_LINE:
            yield _item(label, line)
            line = []
        line.append(part)
    yield _item(label, line)


def _item(label: str, parts: Sequence[str]) -> str:
    return f"- {'; '.join([label, *parts] if label else parts)}"
