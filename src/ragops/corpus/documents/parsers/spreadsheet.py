"""Excel workbooks through openpyxl.

Not through markitdown, which uses pandas: an empty cell turns a column of integers into 2024.0, and loading takes
three seconds longer.
"""

import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from pathlib import Path

from openpyxl import load_workbook

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.sniffing import check_archive
from ragops.corpus.documents.types import Extract


def parse_xlsx(path: Path, limits: ParseLimits) -> Extract:
    """Each sheet with content as a heading and a table; formulas as their last computed values.

    Raises:
        Unparsable: a zip bomb, or encrypted.
    """
    check_archive(path, limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about each unsupported feature
        workbook = load_workbook(path, read_only=True, data_only=True)
        sheets = []
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # declared dimensions may span a million empty rows
            table = list(_table(sheet.iter_rows(values_only=True)))
            if table:
                sheets.append(f"## {_text(sheet.title)}\n\n" + "\n".join(table))
        workbook.close()
    return Extract("\n\n".join(sheets))


def _table(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Lines of a table whose header is the first row that is not empty; trailing empty columns are cut."""
    texts = [[_text(value) for value in row] for row in rows if any(value is not None for value in row)]
    width = max((index + 1 for row in texts for index, text in enumerate(row) if text), default=0)
    if not width:
        return
    for number, row in enumerate(texts):
        cells = [*row, *[""] * width][:width]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"|{' --- |' * width}"


def _text(value: object) -> str:
    """A cell on one line: numbers with Excel's 15 digits, dates without the time if it is midnight."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time.min else value)
    return " ".join(str(value).replace("|", "\\|").split())
