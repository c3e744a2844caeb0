"""Excel workbooks through python-calamine-plus.

It reads number formats, formulas, merged cells and what is hidden in one pass, at a seventh of openpyxl's time; plain
python-calamine has none of these, and pandas (markitdown) makes 2024.0 of a year beside an empty cell.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

from python_calamine_plus import CalamineCell, CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.metadata import readable_stem
from ragops.corpus.documents.parsers.drawings import drawing_texts
from ragops.corpus.documents.parsers.number_formats import shown
from ragops.corpus.documents.parsers.ooxml import Package, q
from ragops.corpus.documents.parsers.sheet_regions import SheetRow, sheet_markdown
from ragops.corpus.documents.types import Extract

# The names that Excel and LibreOffice give to sheets, in the languages that they speak.
_DEFAULT_NAME = re.compile(
    r"(sheet|work\s?sheet|tabelle|tabellenblatt|blatt|feuil|feuille|hoja|foglio|planilha|plan|folha|blad|ark|munka|"
    r"munkalap|arkusz|list|hárok|sayfa|taul|taulukko|foaie|leht|lapa|lapas|φύλλο|лист|аркуш|таблица|ورقة|גיליון|"
    r"工作表|シート|시트|แผ่นงาน|trang[ _]tính|helaian|lembar|radni list|delovni list)\s*\d*( \(\d+\))?",
    re.IGNORECASE,
)
_MOST_CELLS = 5_000_000  # the reader fills rows up to the last column in use, at a million cells in a second
_YEARS = range(1900, 2101)
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})$")


def parse_xlsx(path: Path, limits: ParseLimits) -> Extract:
    """Each visible sheet as tables and notes under its name, cells as Excel shows them.

    A formula without a stored value is shown as a formula. Hidden sheets, rows and columns are left out, with a
    warning. Raises Unparsable: a zip bomb, or encrypted.
    """
    with Package(path, limits) as package:
        title, drawings = package.title(), _drawings(package)
        warnings = list(package.warnings)
        try:
            with CalamineWorkbook.from_path(path) as workbook:
                sheets = dict(_sheets(workbook, drawings, warnings))
        except CalamineError:
            with CalamineWorkbook.from_filelike(package.repaired()) as workbook:
                warnings = list(dict.fromkeys(package.warnings))
                sheets = dict(_sheets(workbook, drawings, warnings, is_damaged=True))
    if title is None and len(sheets) > 1:
        title = readable_stem(path)  # the name of the first of several sheets does not describe the others
    return Extract("\n\n".join(map(_under_name, sheets.items())), title=title, warnings=tuple(warnings))


def _sheets(
    workbook: CalamineWorkbook, drawings: dict[str, list[str]], warnings: list[str], is_damaged: bool = False
) -> Iterator[tuple[str, str]]:
    """The visible sheets with text, by name; those that cannot be read are a warning in a damaged file."""
    for index, sheet in enumerate(workbook.sheets_metadata):
        if sheet.visible != SheetVisibleEnum.Visible:
            warnings.append(f"sheet {sheet.name}: hidden, left out")
            continue
        parts = list(drawings.get(sheet.name, []))
        try:
            if sheet.typ == SheetTypeEnum.WorkSheet:
                reader = _SheetReader(workbook, index)
                parts.insert(0, sheet_markdown(list(reader.rows())))
                warnings += reader.warnings()
        except CalamineError as error:
            if not is_damaged:
                raise
            warnings.append(f"sheet {sheet.name}: damaged, left out ({error})")
        text = "\n\n".join(filter(None, parts))
        if text:
            yield sheet.name, text


def _under_name(sheet: tuple[str, str]) -> str:
    name, text = " ".join(sheet[0].split()), sheet[1]
    return text if _DEFAULT_NAME.fullmatch(name) else f"## {name}\n\n{text}"


class _SheetReader:
    """The rows of one sheet, and counts of what is missing in them."""

    def __init__(self, workbook: CalamineWorkbook, index: int) -> None:
        self.name = workbook.sheet_names[index]
        self._workbook = workbook
        self._index = index
        self._hidden_rows = 0
        self._hidden_columns = 0
        self._formulas = 0
        self._last_column: int | None = None
        self._formats: dict[int, tuple[str | None, bool]] = {}
        self._merged: dict[tuple[int, int], str] = {}

    def warnings(self) -> Iterator[str]:
        """What a reader of the text has to know."""
        for count, what in ((self._hidden_rows, "rows"), (self._hidden_columns, "columns")):
            if count:
                yield f"sheet {self.name}: {count:,} hidden {what} left out"
        if self._formulas:
            yield f"sheet {self.name}: {self._formulas:,} formulas without a stored value are shown as formulas"
        if self._last_column is not None:
            yield f"sheet {self.name}: too wide, what is after column {self._last_column + 1:,} was left out"

    def rows(self) -> Iterator[SheetRow]:
        """The visible rows with content of their own."""
        stream = self._workbook.stream_sheet_by_index(self._index, rich=True)
        self._last_column = _last_column(stream.dimension)
        if self._last_column is not None:
            stream = self._workbook.stream_sheet_by_index(self._index, rich=True, max_col=self._last_column)
        hidden = _hidden_columns(stream.column_dimensions or [])
        seen_hidden: set[int] = set()
        for number, cells in enumerate(stream):
            row, own = self._row(number, cast("list[CalamineCell]", cells), hidden, seen_hidden)
            if own and (stream.row_info or {}).get("hidden"):
                self._hidden_rows += 1
            elif own:
                yield row
        self._hidden_columns = len(seen_hidden)

    def _row(
        self, number: int, cells: list[CalamineCell], hidden: list[range], seen_hidden: set[int]
    ) -> tuple[SheetRow, bool]:
        """The row, and whether it has text other than that of cells merged with rows above."""
        texts: list[str] = []
        numeric, spans, bolds, own = set(), [], [], False
        for column, cell in enumerate(cells):
            text = self._text(cell)
            merged = cell.merged_range
            if text and any(column in columns for columns in hidden):
                seen_hidden.add(column)
                text = ""
            own = own or bool(text)
            if text:
                bolds.append(self._format(cell)[1])
            if merged is not None and merged[0] == (number, column):
                self._merged[number, column] = text
                spans.append((column, merged[1][1], merged[1][0]))
            elif merged is not None and not text and not any(column in columns for columns in hidden):
                text = self._merged.get(merged[0], "")
            texts.append(text)
            if text and _is_number(cell):
                numeric.add(column)
        return SheetRow(number, tuple(texts), frozenset(numeric), bool(bolds) and all(bolds), tuple(spans)), own

    def _text(self, cell: CalamineCell) -> str:
        value = cell.value
        if value == "":
            formula = cell.formula
            if not formula or cell.data_type == "s":
                return ""
            self._formulas += 1
            return formula
        if isinstance(value, str) and cell.data_type == "e":
            return value
        return shown(value, self._format(cell)[0])

    def _format(self, cell: CalamineCell) -> tuple[str | None, bool]:
        """The cell's number format, and whether it is bold."""
        known = self._formats.get(cell.style_id)
        if known is None:
            style: dict[str, Any] = cell.style or {}
            known = style.get("number_format"), bool((style.get("font") or {}).get("bold"))
            self._formats[cell.style_id] = known
        return known


def _is_number(cell: CalamineCell) -> bool:
    value = cell.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return isinstance(value, date) or bool(cell.formula)
    return value not in _YEARS


def _hidden_columns(dimensions: Iterable[dict[str, Any]]) -> list[range]:
    return [range(each["min"], each["max"] + 1) for each in dimensions if each.get("hidden")]


def _last_column(dimension: str | None) -> int | None:
    """The last column to read, from 0, of a sheet whose declared size is too large; None to read them all."""
    found = _REFERENCE.search(dimension or "")
    if not found:
        return None
    width = 0
    for letter in found[1]:
        width = 26 * width + ord(letter) - 64
    rows = int(found[2])
    return max(63, _MOST_CELLS // rows) if rows * width > _MOST_CELLS and width > 64 else None


def _drawings(package: Package) -> dict[str, list[str]]:
    """The texts of text boxes and charts by the name of their sheet."""
    part = package.main_part("xl/workbook.xml")
    root = package.xml(part)
    if root is None:
        return {}
    relations = package.relations(part)
    texts: dict[str, list[str]] = {}
    for sheet in root.iter("{*}sheet"):
        target = relations.get(sheet.get(q("r:id"), ""))
        if target is not None:
            texts[sheet.get("name", "")] = list(drawing_texts(package, target.target))
    return texts
