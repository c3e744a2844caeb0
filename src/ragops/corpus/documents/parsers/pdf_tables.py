"""Tables of a PDF, whose cells are pieces of lines that stand below each other.

Ours, since PDFium knows no tables, and engines that do are wrong in a third of cases. Only what can hardly be
anything else becomes a table: three rows and more, one after the other, with the same three columns and more. The
rest stays rows of words.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from ragops.corpus.documents.parsers.pdf_layout import Line
from ragops.corpus.documents.parsers.tables import markdown_table

_LEAST_ROWS = 3
_LEAST_COLUMNS = 3
_LONGEST_CELL = 25  # characters, of the median; columns of prose are wider
_MOST_DISTANCE = 4.0  # of two rows, as a multiple of the type's size

Row = Sequence[Line]
_Columns = list[tuple[float, float]]


def with_tables(rows: Sequence[Row]) -> list[Row]:
    """The rows, with those of a table replaced by one line that is the table in Markdown."""
    found: list[Row] = []
    start = 0
    while start < len(rows):
        end, columns = _table(rows, start)
        if columns:
            found.append([_as_line(rows[start:end], columns)])
            start = end
        else:
            found.append(rows[start])
            start += 1
    return found


def _table(rows: Sequence[Row], start: int) -> tuple[int, _Columns]:
    """Where a table that begins at a row ends, and its columns; none if no table begins there."""
    columns = [(cell.left, cell.right) for cell in rows[start]]
    is_code = any(cell.fixed_pitch for cell in rows[start])
    if len(columns) < _LEAST_COLUMNS or is_code or not _are_apart(columns):
        return start, []
    full, end = 1, start + 1
    while end < len(rows) and _follows(rows[end - 1], rows[end]):
        places = _places(rows[end], columns)
        if places is None or len(places) < 2:
            break
        wider = list(columns)
        for place, cell in zip(places, rows[end], strict=True):
            wider[place] = min(wider[place][0], cell.left), max(wider[place][1], cell.right)
        if not _are_apart(wider):
            break
        columns = wider
        full += len(places) == len(columns)
        end += 1
    texts = [len(cell.text) for row in rows[start:end] for cell in row]
    return (end, columns) if full >= _LEAST_ROWS and median(texts) <= _LONGEST_CELL else (start, [])


def _are_apart(columns: _Columns) -> bool:
    return all(before[1] < after[0] for before, after in zip(columns, columns[1:], strict=False))


def _follows(above: Row, below: Row) -> bool:
    distance = above[0].baseline - below[0].baseline
    return 0 < distance <= _MOST_DISTANCE * max(above[0].size, 1.0)


def _places(row: Row, columns: _Columns) -> list[int] | None:
    """The column of each cell: the one above or below which it stands; None if it stands in none or in several."""
    places: list[int] = []
    for cell in row:
        inside = [number for number, (left, right) in enumerate(columns) if cell.left < right and cell.right > left]
        if len(inside) != 1 or (places and inside[0] <= places[-1]):
            return None
        places.append(inside[0])
    return places


def _as_line(rows: Sequence[Row], columns: _Columns) -> Line:
    cells = []
    for row in rows:
        texts = [""] * len(columns)
        for place, cell in zip(_places(row, columns) or (), row, strict=True):
            texts[place] = cell.text
        cells.append(texts)
    left, right = columns[0][0], columns[-1][1]
    return replace(rows[0][0], text=markdown_table(cells), left=left, right=right, alone=True, is_table=True)
