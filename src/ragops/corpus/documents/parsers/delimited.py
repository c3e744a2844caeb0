"""CSV and TSV: the tables of a text file, as those of a spreadsheet."""

import csv
import re
from pathlib import Path

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.sheet_regions import SheetRow, sheet_markdown
from ragops.corpus.documents.types import Extract

_DELIMITERS = ",;\t|"
_LOOKED_AT = 50  # lines
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d\s*[%€$£]?")
_COMMENT = re.compile(r"^#+\s*")  # it would be a heading
_SEPARATOR_LINE = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)


def parse_csv(path: Path, limits: ParseLimits) -> Extract:
    """The rows as tables; the delimiter is the one that gives most lines the same number of columns.

    Raises Unparsable if the file is not text.
    """
    decoded = decode(path.read_bytes())
    csv.field_size_limit(limits.max_characters)
    text, declared = decoded.text, _SEPARATOR_LINE.match(decoded.text)  # which Excel writes and reads
    if declared:
        text = text[declared.end() :]
    rows = _rows(text.splitlines(keepends=True), declared[1] if declared else _delimiter(text))
    sheet = [_row(number, [" ".join(cell.split()) for cell in row]) for number, row in enumerate(rows) if any(row)]
    return Extract(sheet_markdown(sheet), warnings=decoded.warnings)


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    """The rows. Where a quote is never closed, quotes are characters, else all rows below would be one cell."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        is_open = "end of data" in str(error)
        rows = list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if is_open else csv.QUOTE_MINIMAL))
    return [[_COMMENT.sub("", cell) for cell in row] if len(row) == 1 else row for row in rows]


def _delimiter(text: str) -> str:
    """csv.Sniffer takes letters for delimiters; this one only compares the four that people use."""
    lines = text.splitlines(keepends=True)[:_LOOKED_AT]
    return max(_DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter))


def _agreement(lines: list[str], delimiter: str) -> tuple[int, int]:
    widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1]
    usual = max(set(widths), key=widths.count) if widths else 0
    return widths.count(usual) if usual else 0, usual


def _row(number: int, texts: list[str]) -> SheetRow:
    numeric = frozenset(column for column, text in enumerate(texts) if text and _NUMBER.fullmatch(text))
    return SheetRow(number, tuple(texts), numeric)
