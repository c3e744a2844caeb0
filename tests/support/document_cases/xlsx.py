"""Cases of Excel workbooks."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zipfile import ZipFile

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from tests.support.document_cases.case import Case


def _book(fill: Callable[[Worksheet], object], name: str | None = "Data") -> Callable[[Path], None]:
    """Writes a workbook of one sheet; None is openpyxl's default name."""

    def write(path: Path) -> None:
        workbook = Workbook()
        sheet = workbook.worksheets[0]
        if name:
            sheet.title = name
        fill(sheet)
        workbook.save(path)

    return write


def _rows(*rows: Iterable[object]) -> Callable[[Worksheet], None]:
    def fill(sheet: Worksheet) -> None:
        for row in rows:
            sheet.append(list(row))

    return fill


def _formatted(*cells: tuple[object, str]) -> Callable[[Worksheet], None]:
    def fill(sheet: Worksheet) -> None:
        sheet.append([f"c{number}" for number in range(len(cells))])
        for number, (value, code) in enumerate(cells, 1):
            sheet.cell(2, number, value).number_format = code  # type: ignore[arg-type]

    return fill


def _merged(sheet: Worksheet) -> None:
    _rows(
        ["Line", "Output", None, "Note"],
        [None, "early", "late", None],
        ["Line A", 10, 20, "x"],
        [None, 30, 40, "y"],
        ["All lines stand still in July", None, None, None],
        ["Line B", 50, 60, "z"],
    )(sheet)
    for cells in ("A1:A2", "B1:C1", "D1:D2", "A3:A4", "A5:D5"):
        sheet.merge_cells(cells)


def _hidden(path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "Open"
    _rows(["name", "salary", "room"], ["Ada", 90417, "R1"], ["Bob", 80315, "R2"])(sheet)
    sheet.column_dimensions["B"].hidden = True
    sheet.row_dimensions[3].hidden = True
    for name, state in (("Secret", "hidden"), ("Very secret", "veryHidden")):
        other = workbook.create_sheet(name)
        other["A1"] = "confidential"
        other.sheet_state = state
    workbook.save(path)


def _two_sheets(path: Path) -> None:
    workbook = Workbook()
    workbook.worksheets[0].append(["a", "b"])
    workbook.create_sheet("Лист2").append(["c", "d"])
    workbook.create_sheet("Rates").append(["e", "f"])
    workbook.save(path)


def _wide(sheet: Worksheet) -> None:
    sheet.append(["Machine", *(f"Measurement of sensor {n}" for n in range(60))])
    for row in range(3):
        sheet.append([f"M{row}", *(row * 100 + n for n in range(60))])


def _old_dates(path: Path) -> None:
    workbook = Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    _rows(["when"], [date(2024, 1, 2)])(workbook.worksheets[0])
    workbook.save(path)


def _with_damaged_sheet(path: Path) -> None:
    workbook = Workbook()
    workbook.worksheets[0].append(["kept", "text"])
    workbook.create_sheet("Broken").append(["lost"])
    workbook.save(path)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, b"<worksheet><sheetData><row r='1'><c r='A1'" if "sheet2" in name else content)


def _with_damaged_styles(path: Path) -> None:
    _book(_rows(["kept", "text"], [1, 2]))(path)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content[:-20] if name == "xl/styles.xml" else content)


def _with_text_box(path: Path) -> None:
    _book(_rows(["a", "b"], [1, 2]))(path)
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with ZipFile(path, "a") as archive:
        archive.writestr(
            "xl/worksheets/_rels/sheet1.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="d" '
            f'Type="{kinds}/drawing" Target="../drawings/drawing1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/drawings/drawing1.xml",
            '<xdr:wsDr xmlns:xdr="x" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><xdr:sp><xdr:txBody>'
            "<a:p><a:r><a:t>Prices without tax</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:wsDr>",
        )


def _all_text_tables(sheet: Worksheet) -> None:
    for row in (["Name", "Room"], ["Ada", "R1"], [], ["Task", "Owner"], ["Clean", "Bob"]):
        sheet.append(row)
    for cells in (sheet[1], sheet[4]):
        for cell in cells:
            cell.font = Font(bold=True)


CASES = [
    Case(
        "formula-without-value",
        "a.xlsx",
        _book(_rows(["Item", "Net", "Gross"], ["Crane", 100, "=B2*1.2"])),
        ("| Crane | 100 | =B2*1.2 |",),
        warned=("formulas",),
    ),
    Case(
        "merged",
        "a.xlsx",
        _book(_merged),
        (
            "| Line | Output early | Output late | Note |",
            "| Line A | 10 | 20 | x |",
            "| Line A | 30 | 40 | y |",
            "| All lines stand still in July |  |  |  |",
            "| Line B | 50 | 60 | z |",
        ),
    ),
    Case(
        "default-name",
        "canteen_allowances-2025.xlsx",
        _book(_rows(["Employee", "Sum"], ["Cook", 12]), None),
        ("| Employee | Sum |",),
        ("Sheet",),
        "Canteen allowances 2025",
    ),
    Case(
        "default-name-french",
        "a.xlsx",
        _book(_rows(["Nom", "Prix"], ["Ail", 1]), "Feuil1"),
        hidden=("Feuil1",),
        title="A",
    ),
    Case("named-sheet", "a.xlsx", _book(_rows(["a", "b"]), "Fees of 2025"), ("## Fees of 2025",), title="Fees of 2025"),
    Case(
        "several-sheets",
        "price_list.xlsx",
        _two_sheets,
        ("| a | b |", "| c | d |", "## Rates"),
        ("Лист2",),
        "Price list",
    ),
    Case(
        "title-row",
        "a.xlsx",
        _book(_rows(["Maintenance, plant north"], [], ["Machine", "Weeks"], ["M1", 4], ["M2", 5]), None),
        ("### Maintenance, plant north\n\n| Machine | Weeks |\n| --- | --- |\n| M1 | 4 |",),
        title="Maintenance, plant north",
    ),
    Case(
        "head-of-a-form",
        "a.xlsx",
        _book(
            _rows(
                ["Report", "North"],
                ["Date", date(2025, 1, 2)],
                ["Item", "Kind", "Sum", "Tax", "Total"],
                ["Crane", "new", 1, 2, 3],
            )
        ),
        ("Report North", "Date 2025-01-02", "| Item | Kind | Sum | Tax | Total |\n| --- |"),
    ),
    Case(
        "two-tables",
        "a.xlsx",
        _book(_rows(["Fruit", "Kg"], ["Pear", 3], [], ["City", "Mayor", "Since"], ["Ulm", "Weiss", 2001])),
        ("| Fruit | Kg |\n| --- | --- |\n| Pear | 3 |", "| City | Mayor | Since |\n| --- | --- | --- |\n| Ulm |"),
    ),
    Case(
        "two-tables-of-text", "a.xlsx", _book(_all_text_tables), ("| Name | Room |\n| ---", "| Task | Owner |\n| ---")
    ),
    Case(
        "blank-row-within",
        "a.xlsx",
        _book(_rows(["ship", "fee"], ["gull", 12], [], ["heron", 3], ["swan", 4])),
        ("| gull | 12 |\n| heron | 3 |\n| swan | 4 |",),
    ),
    Case(
        "side-by-side",
        "a.xlsx",
        _book(
            _rows(
                ["Fruit", "Kg", None, "City", "Mayor"],
                ["Pear", 3, None, "Ulm", "Weiss"],
                ["Fig", 2, None, "Bonn", "Klee"],
            )
        ),
        ("| Fruit | Kg |\n| --- | --- |\n| Pear | 3 |", "| City | Mayor |\n| --- | --- |\n| Ulm | Weiss |"),
    ),
    Case(
        "units",
        "a.xlsx",
        _book(_rows(["Rope", "Length", "Price"], [None, "(m)", "[EUR]"], ["R1", 10, 2.5], ["R2", 20, 3])),
        ("| Rope | Length (m) | Price [EUR] |", "| R1 | 10 | 2.5 |"),
    ),
    Case(
        "number-formats",
        "a.xlsx",
        _book(
            _formatted(
                (0.256, "0.0%"),
                (1234.5, '#,##0.00 "€"'),
                (-5, "$#,##0;($#,##0)"),
                (42, "00000"),
                (1.0, "0.00"),
                (90417, ";;;"),
                (0.1 + 0.2, "General"),
                (1234567890123456, "General"),
                (True, "General"),
            )
        ),
        ("25.6%", "1,234.50 €", "($5)", "00042", "1.00", "0.3", "1234567890123456", "TRUE"),
        ("90417",),
    ),
    Case(
        "dates",
        "a.xlsx",
        _book(
            _formatted(
                (date(2024, 1, 2), "d/m/yy"),
                (datetime(2024, 1, 2, 3, 4), "d/m/yy h:mm"),
                (time(3, 4), "h:mm"),
                (timedelta(hours=30), "[h]:mm"),
                (date(2024, 5, 1), "mmm yyyy"),
            )
        ),
        ("| 2024-01-02 | 2024-01-02 03:04:00 | 03:04 | 30:00 | 2024-05 |",),
    ),
    Case("dates-since-1904", "a.xlsx", _old_dates, ("2024-01-02",)),
    Case("errors", "a.xlsx", _book(_rows(["a", "b"], ["#N/A", "#DIV/0!"])), ("| #N/A | #DIV/0! |",)),
    Case(
        "hidden",
        "a.xlsx",
        _hidden,
        ("| name |", "| Ada |"),
        ("salary", "90417", "Bob", "confidential"),
        warned=("1 hidden rows", "1 hidden columns", "Secret", "Very secret"),
    ),
    Case(
        "wide",
        "a.xlsx",
        _book(_wide),
        (
            "- Machine: M1; Measurement of sensor 0: 100; ",
            "- Machine: M1; Measurement of",
            "Measurement of sensor 59: 259",
        ),
    ),
    Case(
        "list",
        "a.xlsx",
        _book(_rows(["Countries"], ["Chile"], ["Peru"], ["Cuba"])),
        ("| Countries |\n| --- |\n| Chile |",),
    ),
    Case(
        "notes",
        "a.xlsx",
        _book(_rows(["Prices hold until May."], ["Ask the front desk."])),
        ("Prices hold until May.\n\nAsk the front desk.",),
    ),
    Case(
        "pipes-and-lines",
        "a.xlsx",
        _book(_rows(["a|b", "c"], ["two\nlines", 1])),
        ("| a\\|b | c |", "| two lines | 1 |"),
    ),
    Case("text-box", "a.xlsx", _with_text_box, ("| 1 | 2 |", "Prices without tax")),
    Case("damaged-sheet", "a.xlsx", _with_damaged_sheet, ("| kept | text |",), ("lost",), warned=("sheet2.xml",)),
    Case("damaged-styles", "a.xlsx", _with_damaged_styles, ("| kept | text |",), warned=("styles.xml",)),
    Case("macros", "a.xlsm", _book(_rows(["a", "b"], [1, 2])), ("| a | b |",)),
    Case("template", "a.xltx", _book(_rows(["a", "b"], [1, 2])), ("| a | b |",)),
]
