"""The HTML that mammoth makes of a Word file as Markdown."""

import re
from collections.abc import Sequence

from bs4 import Tag
from markdownify import ATX, MarkdownConverter

from ragops.corpus.documents.parsers.soup import item, join_words, parse_page, subscript
from ragops.corpus.documents.parsers.tables import markdown_table, table_in_cell
from ragops.corpus.documents.parsers.word_story import BLOCK_END, BLOCK_START, LABEL_END, LABEL_START

_ROW, _CELL, _SPANS = "\ue010", "\ue011", "\ue012"
_LABEL = re.compile(f"{LABEL_START}([^{LABEL_END}]*){LABEL_END}")
_BLOCK = re.compile(f"{BLOCK_START}(\\d+){BLOCK_END}")
_POWER = re.compile(r"[+\-−–]?[\d.,]+|[a-z]")
_NUMBER = re.compile(r"(?!(?:19|20)\d\d$)\W*\d[\d.,]*\W*")  # years are names of columns
_MOST_SPAN = 1_000
_MOST_HEADERS = 4


def to_markdown(html: str, blocks: Sequence[str]) -> str:
    """Markdown of mammoth's HTML; `blocks` take the places that the text names by index."""
    soup = parse_page(html)
    for box in soup.find_all("input"):
        box.replace_with("[x]" if box.has_attr("checked") else "[ ]")
    for link in soup.find_all("a"):
        if not str(link.get("href", "")).startswith(("http://", "https://")):
            link.unwrap()
    join_words(soup)
    for table in reversed(soup.find_all("table")):
        if _is_layout(table):
            _unwrap_layout(table)
    converter = _Converter(heading_style=ATX, bullets="-", escape_asterisks=False, escape_underscores=False)
    try:
        markdown = converter.convert_soup(soup)
    except RecursionError:  # nested hundreds deep: text without structure
        markdown = soup.get_text("\n", strip=True)
    markdown = _LABEL.sub(r"\1 ", markdown)
    return _BLOCK.sub(lambda found: blocks[int(found[1])], markdown)


def _is_layout(table: Tag) -> bool:
    """Whether a table is a frame around text: one cell, or cells with headings or tables of their own."""
    cells = table.find_all(["td", "th"])
    return len(cells) == 1 or table.find(["h1", "h2", "h3", "h4", "h5", "h6"]) is not None


def _unwrap_layout(table: Tag) -> None:
    for cell in table.find_all(["td", "th"]):
        cell.name = "div"
    for part in table.find_all(["tr", "thead", "tbody"]):
        part.unwrap()
    table.name = "div"


class _Converter(MarkdownConverter):
    """Tables with spans repeated and a header always, items with the numbers that the text brings, powers as 10^6."""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        spans = [min(int(str(el.get(name, "1"))), _MOST_SPAN) for name in ("colspan", "rowspan")]
        return f"{_CELL}{spans[0]},{spans[1]}{_SPANS}{text.strip()}"

    convert_th = convert_td

    def convert_tr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"{_ROW}{text.strip()}"

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        cells = [row.split(_CELL)[1:] for row in text.split(_ROW)[1:]]
        rows = _filled(cells)
        captions = []
        while len(cells) > 1 and len(cells[0]) == 1 and max(map(len, rows[1:])) > 1:  # one cell above all columns
            captions.append(rows.pop(0)[0])
            cells.pop(0)
        head = el.find("thead", recursive=False)
        marked = len(head.find_all("tr", recursive=False)) - len(captions) if head else 1
        headers = max(1, min(max(marked, _header_depth(cells, rows)), len(rows) - 1))
        if "td" in parent_tags or "th" in parent_tags:  # a table in a cell, which stays on one line
            return f" {' '.join([*captions, table_in_cell(rows, headers)])} "
        return "\n\n".join(["", *captions, markdown_table(rows, headers), ""])

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        found = _LABEL.match(text.strip())
        if not found:
            return str(super().convert_li(el, text, parent_tags))  # type: ignore[misc]  # made by a metaclass
        return item(found[1], text.strip()[found.end() :])

    def convert_sub(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return subscript(el, text)

    def convert_sup(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"^{text}" if _POWER.fullmatch(text) else text


def _header_depth(cells: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> int:
    """The number of rows that the cells of the first row reach over: down, or to names below a name of several."""
    spans = [tuple(map(int, cell.partition(_SPANS)[0].split(","))) for cell in cells[0]] if cells else []
    depth = max((down for _, down in spans), default=1)
    if depth == 1 and len(rows) > 2 and any(columns > 1 for columns, _ in spans):
        return 1 if any(_NUMBER.fullmatch(text) for text in rows[1]) else 2
    return min(depth, _MOST_HEADERS)


def _filled(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The grid of a table, with the text of a cell in each row and column that it spans."""
    grid: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column: rows still to fill, and the text
    for row in rows:
        texts: list[str] = []
        cells = iter(row)
        while True:
            if len(texts) in below:
                left, text = below.pop(len(texts))
                if left > 1:
                    below[len(texts)] = (left - 1, text)
                texts.append(text)
                continue
            cell = next(cells, None)
            if cell is None:
                break
            spans, _, text = cell.partition(_SPANS)
            columns, down = map(int, spans.split(","))
            for _ in range(columns):
                if down > 1:
                    below[len(texts)] = (down - 1, text)
                texts.append(text)
        grid.append(texts)
    return grid
