"""Tables of a page: data, code beside line numbers, or a means to lay a page out."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bs4 import Tag

from ragops.corpus.documents.parsers.tables import markdown_table, table_in_cell

_MOST_SPAN = 1_000
_MOST_CELLS = 500_000
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_CODE_CLASS = re.compile(r"\b(?:blob-code|hljs-ln-code|highlight|rouge-table|code|js-file-line)\b")

ToText = Callable[[Tag], str]


def rows_of(table: Tag) -> list[list[Tag]]:
    """Cells by row, without those of tables inside; the foot comes last."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    feet = [row for row in rows if row.parent is not None and row.parent.name == "tfoot"]
    ordered = [row for row in rows if row not in feet] + feet if feet else rows
    cells = [list(row.find_all(["td", "th"], recursive=False)) for row in ordered]
    return [row for row in cells if row]


def is_layout(table: Tag, rows: Sequence[Sequence[Tag]]) -> bool:
    """Whether a table only places blocks on the page: by its role, one column, or blocks that no cell of data has."""
    cells = [cell for row in rows for cell in row]
    if table.get("role") in ("presentation", "none") or not cells:
        return True
    if any(cell.name == "th" for cell in cells) and len(rows) > 1:
        return False
    if max(map(len, rows)) == 1:
        return True
    if any(cell.find(["table", *_HEADINGS]) or cell.find("ready", line=True) for cell in cells):
        return True
    return len(rows) == 1 and any(len(cell.find_all(["p", "ul", "ol", "div"])) > 1 for cell in cells)


def code_of(table: Tag, rows: Sequence[Sequence[Tag]]) -> str | None:
    """The code in a table of which one column holds line numbers; None for any other table."""
    if not rows:
        return None
    columns = {len(row) for row in rows}
    codes = [row[-1] for row in rows]
    classes = " ".join(str(name) for tag in [table, *table.parents, *codes] for name in tag.get_attribute_list("class"))
    is_code = all(cell.find("pre") or cell.name == "td" and _CODE_CLASS.search(classes) for cell in codes)
    numbers = all(re.fullmatch(r"[\d\s.:|-]*", cell.get_text()) for row in rows for cell in row[:-1])
    has_code = table.find_parent("pre") or any(cell.find(["pre", "code"]) for cell in codes)
    if columns == {2} and numbers and is_code and (has_code or "code" in classes):
        return "\n".join(raw_text(cell).strip("\n") for cell in codes)
    return None


def raw_text(tag: Tag) -> str:
    """Text with its white space; a line break or a block inside begins a line."""
    for line_break in tag.find_all("br"):
        line_break.replace_with("\n")
    for block in tag.find_all(["div", "p", "li", "tr"]):
        if block.next_sibling is not None and not block.get_text().endswith("\n"):
            block.append("\n")
    return tag.get_text()


class TableText(NamedTuple):
    """A table as a block of Markdown, and on one line for the cell of a table around it."""

    block: str
    line: str


def table_text(table: Tag, rows: Sequence[Sequence[Tag]], text_of: ToText) -> TableText:
    """A table of data: spanned cells repeated, its caption before it."""
    caption = table.find("caption")
    if caption is not None:
        caption.extract()
    named_rows = all(row[0].name == "th" and not any(cell.name == "th" for cell in row[1:]) for row in rows)
    headers = _header_rows(rows)
    grid = _grid(rows, text_of)
    body = _records(grid) if named_rows else markdown_table(grid, headers)
    title = text_of(caption) if caption is not None else ""
    inside = " ".join(body.split("\n")) if named_rows else table_in_cell(grid, headers)
    return TableText("\n\n".join(filter(None, (title, body))), " ".join(filter(None, (title, inside))))


def _records(grid: list[list[str]]) -> str:
    """Rows of which each begins with its own name, as list items."""
    return "\n".join(f"- {row[0]}: {'; '.join(filter(None, row[1:]))}" for row in grid if any(row))


def _header_rows(rows: Sequence[Sequence[Tag]]) -> int:
    """Number of rows that name columns: of the head, or of header cells alone, else the first row."""
    headers = 0
    for row in rows:
        inside = row[0].find_parent(["thead", "table"])
        if not (inside is not None and inside.name == "thead") and not all(cell.name == "th" for cell in row):
            break
        headers += 1
    return min(max(headers, 1), max(1, len(rows) - 1))


def _grid(rows: Sequence[Sequence[Tag]], text_of: ToText) -> list[list[str]]:
    """Text of each cell, repeated in all places that it spans; a cell as wide as the table stands once."""
    width = max(sum(_span(cell, "colspan") for cell in row) for row in rows)
    grid: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column to the rows that a cell above still covers, and its text
    for number, row in enumerate(rows):
        line: list[str] = []
        waiting = list(row)
        while waiting or len(line) in below:
            if len(line) in below:
                left, text = below.pop(len(line))
                if left > 1:
                    below[len(line)] = (left - 1, text)
                line.append(text)
                continue
            cell = waiting.pop(0)
            text, across = text_of(cell), _span(cell, "colspan")
            down = _span(cell, "rowspan") if cell.get("rowspan") != "0" else len(rows) - number
            alone = len(row) == 1 and across >= width > 1 and number > 0
            for place in range(across):
                if down > 1:
                    below[len(line)] = (down - 1, text)
                line.append("" if alone and place else text)
        grid.append(line)
        if len(grid) * width > _MOST_CELLS:
            break
    return grid


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1")).strip()
    return min(max(int(value), 1), _MOST_SPAN) if value.isascii() and value.isdigit() else 1
