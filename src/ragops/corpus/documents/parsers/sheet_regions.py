"""The tables and notes of a sheet: where one ends, which rows name its columns, which are titles."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragops.corpus.documents.parsers.tables import markdown_table

_UNIT = re.compile(r"[(\[][^)\]]{1,20}[)\]]")
_BARE_UNIT = re.compile(r"[A-Za-zµ°Ω%€$£¥²³/·]{1,6}")
_LONGEST_TITLE = 120  # characters; a longer line above a table is a note
_LONGEST_NAME = 60  # characters; of a column, or of an entry in a list
_FIRST_ROWS = 10  # among which the header is looked for
_MOST_HEADERS = 4
_SEEN = 100  # rows of a table that show what its columns hold


@dataclass(frozen=True)
class SheetRow:
    """A row with content.

    Attributes:
        number: of the row in the sheet, from 0.
        texts: the cells as shown; merged cells are repeated.
        numeric: the columns whose cells are numbers; years are names.
        bold: whether all cells with text are bold.
        spans: last rows of the merged cells that begin in this row, by their first and last column.
    """

    number: int
    texts: tuple[str, ...]
    numeric: frozenset[int] = frozenset()
    bold: bool = False
    spans: tuple[tuple[int, int, int], ...] = ()

    @property
    def filled(self) -> tuple[int, ...]:
        """The columns that have text."""
        return tuple(column for column, text in enumerate(self.texts) if text)

    @property
    def single(self) -> str | None:
        """The text of a row with one cell, or with one cell merged over several columns."""
        texts = {text for text in self.texts if text}
        return next(iter(texts)) if len(texts) == 1 and (len(self.filled) == 1 or self._is_merged()) else None

    def part(self, start: int, end: int) -> "SheetRow":
        """The columns from `start` to before `end`."""
        numeric = frozenset(column - start for column in self.numeric if start <= column < end)
        spans = tuple((first - start, last - start, row) for first, last, row in self.spans if start <= first < end)
        texts = self.texts[start:end]
        return replace(self, texts=texts + ("",) * (end - start - len(texts)), numeric=numeric, spans=spans)

    def _is_merged(self) -> bool:
        columns = self.filled
        return any(first <= columns[0] and columns[-1] <= last for first, last, _ in self.spans)


def sheet_markdown(rows: Sequence[SheetRow]) -> str:
    """The tables of a sheet as Markdown, titles above them as headings of level 3, notes as paragraphs."""
    width = max((len(row.texts) for row in rows), default=0)
    rows = [row if len(row.texts) == width else row.part(0, width) for row in rows]
    return "\n\n".join(text for region in _regions(rows) for text in _region_markdown(region) if text)


def _regions(rows: Sequence[SheetRow]) -> Iterator[list[SheetRow]]:
    """Rows up to where another table begins, and the parts of tables that stand side by side."""
    region: list[SheetRow] = []
    for group in _groups(rows):
        parts = _side_by_side(group)
        if region and (len(parts) > 1 or _begins_table(group, region[:_SEEN])):
            yield region
            region = []
        if len(parts) > 1:
            yield from parts
        else:
            region += group
    if region:
        yield region


def _groups(rows: Sequence[SheetRow]) -> Iterator[list[SheetRow]]:
    """Rows without a blank row between them."""
    group: list[SheetRow] = []
    for row in rows:
        if group and row.number > group[-1].number + 1:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _side_by_side(group: list[SheetRow]) -> list[list[SheetRow]]:
    """The tables of a group that a blank column separates; the group itself where they would not be tables."""
    titles = _count_titles(group)
    body = group[titles:]
    used = {column for row in body for column in row.filled}
    if len(body) < 2 or not used:
        return [group]
    starts = sorted(column for column in used if column - 1 not in used)
    bounds = list(zip(starts, [*starts[1:], max(used) + 1], strict=True))
    parts = [[part for row in body if (part := row.part(*bound)).filled] for bound in bounds]
    if len(parts) > 1 and all(_is_table(part) for part in parts):
        return [*([group[:titles]] if titles else []), *parts]
    return [group]


def _is_table(part: Sequence[SheetRow]) -> bool:
    """Whether rows are two columns and more under names."""
    first = _count_titles(part)
    if len(part) < first + 2:
        return False
    header, width = part[first], _width(part)
    return len(header.filled) >= 2 and len(header.filled) == width and not header.numeric


def _width(rows: Sequence[SheetRow]) -> int:
    return len({column for row in rows for column in row.filled})


def _begins_table(group: list[SheetRow], before: list[SheetRow]) -> bool:
    """Whether rows after a blank row have a header of their own, or are more rows of the table before it."""
    titles = _count_titles(group)
    if len(group) == 1 and titles:
        return True
    if len(before) == _count_titles(before):  # a title and a blank row
        return False
    if titles:
        return len(group) > titles
    header, body = group[0], group[1:]
    known = set(before[_count_titles(before)].filled)
    if not body or header.numeric or len(header.filled) < 2:
        return False
    if len(header.filled) == _width(group) and set(header.filled) != known:
        return True
    numbers = _numeric_columns(body) | _numeric_columns(before[_count_titles(before) + 1 :])
    return header.bold and not body[0].bold or bool(numbers & set(header.filled))


def _numeric_columns(rows: Sequence[SheetRow]) -> set[int]:
    """The columns in which more than half of the cells are numbers."""
    columns = {column for row in rows for column in row.numeric}
    return {
        column
        for column in columns
        if 2 * sum(column in row.numeric for row in rows)
        > sum(column < len(row.texts) and bool(row.texts[column]) for row in rows)
    }


def _count_titles(rows: Sequence[SheetRow]) -> int:
    """The number of rows at the top that have one text only."""
    return next((number for number, row in enumerate(rows) if row.single is None), len(rows))


def _region_markdown(rows: list[SheetRow]) -> Iterator[str]:
    if _width(rows) == 1 and len(rows) > 1 and all(len(row.filled) == 1 for row in rows):
        yield from _list_markdown(rows)
        return
    titles = _count_titles(rows)
    table = rows[titles:]
    for number, row in enumerate(rows[:titles]):
        text = row.single or ""
        is_title = table and not number and len(text) <= _LONGEST_TITLE and not text.endswith(".")
        yield f"### {text}" if is_title else text
    header = _header_at(table)
    for row in table[:header]:
        yield " ".join(dict.fromkeys(text for text in row.texts if text))
    if table[header:]:
        yield _table_markdown(table[header:])


def _list_markdown(rows: Sequence[SheetRow]) -> Iterator[str]:
    """One column: a table of short entries under a name, or paragraphs."""
    texts = [next(text for text in row.texts if text) for row in rows]
    if len(texts) > 2 and max(map(len, texts)) <= _LONGEST_NAME:
        yield markdown_table([[text] for text in texts])
    else:
        yield from texts


def _header_at(table: Sequence[SheetRow]) -> int:
    """Index of the row with the column names: the first unless a wider row of names follows, as below a form's head."""
    width = _width(table)
    if not table or 5 * len(table[0].filled) >= 3 * width:
        return 0
    names = (i for i, row in enumerate(table[:_FIRST_ROWS]) if 5 * len(row.filled) >= 3 * width and not row.numeric)
    found = next(names, 0)
    return found if found + 1 < len(table) else 0


def _table_markdown(table: Sequence[SheetRow]) -> str:
    first = min(row.filled[0] for row in table)
    headers = _count_headers(table)
    # A text merged over the columns is the name of the rows below it, so it is not repeated.
    merged = [row.single if number >= headers and len(row.filled) > 1 else None for number, row in enumerate(table)]
    rows = [row.texts[first:] if text is None else (text,) for row, text in zip(table, merged, strict=True)]
    return markdown_table(rows, headers)


def _count_headers(table: Sequence[SheetRow]) -> int:
    """The number of rows that name the columns: as far as merged cells reach, and a row of units."""
    header = table[0]
    last = header.number
    for first, right, bottom in header.spans:
        last = max(last, bottom, header.number + (right > first))
    count = 1
    while count < min(len(table) - 1, _MOST_HEADERS) and table[count].number <= last and not table[count].numeric:
        count += 1
    if count < len(table) - 1 and _has_units(table[count], table[count + 1]):
        count += 1
    return count


def _has_units(row: SheetRow, below: SheetRow) -> bool:
    """Whether a row has units above numbers; without brackets ("kg") only if it has no entry of its own at the left."""
    texts = [row.texts[column] for column in row.filled if column in below.numeric]
    unit = _UNIT if row.texts[below.filled[0]] else _BARE_UNIT
    is_unit = [unit.fullmatch(text) or _UNIT.fullmatch(text) for text in texts]
    return not row.numeric and bool(texts) and all(is_unit)
