"""PDFs as people have them: forms, turned pages, divided words, columns, ligatures, attachments, text nobody sees."""

from dataclasses import replace

from tests.support.document_cases.case import Case
from tests.support.raw_pdf import FIRST, RawPdf, appearance, lines, stream

HIDDEN = "warranty is ninety years"
PARAGRAPH = (
    "The gate opens at six in the morning and closes at",
    "ten at night. Visitors report at the desk and wear a",
    "badge. Dogs stay outside.",
)
SHOWN = "The gate opens at six in the morning and closes at ten at night. Visitors report at the desk and wear a badge."


def raw(name: str, pdf: RawPdf, *shown: str, hidden: tuple[str, ...] = (), warned: tuple[str, ...] = ()) -> Case:
    """A case of a file written by hand."""
    return Case(f"pdf-{name}", f"{name}.pdf", pdf.data(), shown, hidden, warned=warned)


def unseen(name: str, content: str, page: RawPdf | None = None) -> Case:
    """A case of a text that nobody sees between two that everyone sees; `page` has the page's other properties."""
    whole = "\n".join(
        [lines("The paint dries in nine hours.", top=760), content, lines("It is sold in tins.", top=500)]
    )
    return raw(
        name,
        replace(page or RawPdf(""), content=whole),
        "The paint dries in nine hours.",
        "It is sold in tins.",
        hidden=(HIDDEN, "ninety"),
    )


def _turned(angle: int, rotate: int) -> Case:
    """Text drawn at an angle, on a page that is turned."""
    matrix = {0: "1 0 0 1 60 700", 90: "0 1 -1 0 100 60", 180: "-1 0 0 -1 500 100", 270: "0 -1 1 0 450 700"}[angle]
    content = f"q {matrix} cm {lines(*PARAGRAPH, left=0, top=0)} Q"
    return raw(f"turned-{angle}-{rotate}", RawPdf(content, rotate=rotate), SHOWN)


_TURNED = [_turned(angle, rotate) for angle in (0, 90, 180, 270) for rotate in (0, 90, 180, 270)]

_LEFT = (
    "The gardener prunes the apple trees",
    "in late winter, before the buds",
    "swell. He removes dead wood first,",
    "then branches that cross each other.",
)
_RIGHT = (
    "The beehives stand behind the barn.",
    "They are opened on warm days only,",
    "never in rain. A full super weighs",
    "about twenty kilograms and is heavy.",
)


def _row_by_row(heading: str = "") -> str:
    rows = [
        lines(left, top=700 - 14 * n) + "\n" + lines(right, left=320, top=700 - 14 * n) for n, (left, right) in _PAIRS
    ]
    return "\n".join([lines(heading, top=730) if heading else "", *rows])


_PAIRS = list(enumerate(zip(_LEFT, _RIGHT, strict=True)))
_WIDE = "A report about the garden and the bees of the monastery in the year of the great drought"
_COLUMNS = [
    raw("columns-drawn-row-by-row", RawPdf(_row_by_row()), " ".join(_LEFT), " ".join(_RIGHT)),
    raw("columns-below-a-heading", RawPdf(_row_by_row(_WIDE)), _WIDE, " ".join(_LEFT), " ".join(_RIGHT)),
    raw(
        "labels-and-values-are-no-columns",
        RawPdf(
            "\n".join(
                lines(label, top=700 - 20 * n) + "\n" + lines(value, left=320, top=700 - 20 * n)
                for n, (label, value) in enumerate(
                    [("Weight", "5 kg"), ("Height", "30 cm"), ("Width", "20 cm"), ("Colour", "dark red")]
                )
            )
        ),
        "Weight 5 kg",
        "Height 30 cm",
        "Colour dark red",
    ),
]


def _grid(rows: list[tuple[str, ...]], left: tuple[int, ...] = (72, 220, 400)) -> str:
    return "\n".join(
        lines(text, left=at, top=640 - 16 * number)
        for number, row in enumerate(rows)
        for at, text in zip(left, row, strict=True)
        if text
    )


_PRICES = [("Zone", "Weight", "Price"), ("North", "5 kg", "7.30"), ("South", "10 kg", "8.40"), ("West", "", "10.20")]
_TABLES = [
    raw(
        "table",
        RawPdf(f"{lines(*PARAGRAPH)}\n{_grid([*_PRICES, ('East', '20 kg', '9.10')])}\n{lines('In euro.', top=500)}"),
        SHOWN,
        "| Zone | Weight | Price |\n| --- | --- | --- |\n| North | 5 kg | 7.30 |\n| South | 10 kg | 8.40 |\n"
        "| West |  | 10.20 |\n| East | 20 kg | 9.10 |\n\nIn euro.",
    ),
    raw("two-rows-are-no-table", RawPdf(_grid(_PRICES[:2])), "Zone Weight Price North 5 kg 7.30", hidden=("|",)),
]


def _divided(name: str, rows: tuple[str, ...], *shown: str) -> Case:
    return raw(f"divided-{name}", RawPdf(lines(*rows)), *shown)


_DIVIDED = [
    _divided(
        "english",
        (
            "The company keeps a large archive of inter-",
            "national maintenance manuals and a com-",
            "plete list of all spare parts. A well-known",
            "supplier delivers on Mon-",
            "days and on Fridays.",
        ),
        "archive of international maintenance manuals and a complete list of all spare parts. A well-known supplier",
        "on Mondays and on Fridays.",
    ),
    _divided(
        "german",
        (
            "Die Haupt- und Nebenkosten tr\xe4gt der Mieter, auch Fr\xfch-",
            "st\xfccksgeb\xfchren. Das gilt in Baden-",
            "W\xfcrttemberg f\xfcr alle Vertr\xe4ge \xfcber Haupt-",
            "und Nebenwohnungen.",
        ),
        "Haupt- und Nebenkosten tr\xe4gt der Mieter, auch Fr\xfchst\xfccksgeb\xfchren. Das gilt in",
        "Baden-W\xfcrttemberg",
        "Haupt- und Nebenwohnungen.",
    ),
    _divided("french", ("Le remboursement est effec-", "tu\xe9 sous trente jours."), "effectu\xe9 sous trente jours."),
    _divided("spanish", ("La devoluci\xf3n se tra-", "mita en ma\xf1ana h\xe1bil."), "se tramita en ma\xf1ana"),
    _divided("numbers", ("The rules of COVID-", "19 apply in 2020-", "21 too."), "COVID-19 apply in 2020-21 too."),
    _divided(
        "known-compound",
        ("A two-way radio is needed. Each two-", "way radio has a battery that lasts for a day."),
        "Each two-way radio",
    ),
    _divided("soft", ("Each refrig\xad", "erator is delivered to the entrance of the house."), "Each refrigerator is"),
    _divided("capitals", ("NO ADMIT-", "TANCE WITHOUT A BADGE OF THE HARBOUR"), "NO ADMITTANCE WITHOUT"),
]


def _widget(area: tuple[int, int, int, int], entries: str) -> str:
    return f"/Subtype /Widget /Rect [{' '.join(map(str, area))}] /F 4 {entries}"


def _text_field(number: int, area: tuple[int, int, int, int], value: str) -> str:
    return _widget(area, f"/FT /Tx /T (f{number}) /V ({value}) /AP << /N {number} 0 R >> /DA (/F1 11 Tf 0 g)")


_FORM = "/AcroForm << /Fields [] /DR << /Font << /F1 5 0 R >> >> >>"
_LABELS = lines("Name:", "Number plate:", "I agree", "I disagree", top=700, pitch=30)
_MARKS = [stream("/Type /XObject /Subtype /Form /BBox [0 0 14 14]", mark) for mark in (b"0 0 14 14 re f", b"")]
_FORMS = [
    raw(
        "form-values",
        RawPdf(
            _LABELS,
            annotations=[
                _text_field(FIRST, (200, 690, 400, 710), "Tuva Lindqvist"),
                _text_field(FIRST + 1, (200, 660, 400, 680), "XK 90417"),
                *(
                    _widget(
                        (200, bottom, 214, bottom + 14),
                        f"/FT /Btn /T (b{bottom}) /V /{state} /AS /{state} /AP << /N << /Yes 8 0 R /Off 9 0 R >> >>",
                    )
                    for bottom, state in ((636, "Yes"), (606, "Off"))
                ),
            ],
            catalog=_FORM,
            objects=[appearance("Tuva Lindqvist", 200, 20), appearance("XK 90417", 200, 20), *_MARKS],
        ),
        "Name: Tuva Lindqvist\n",
        "Number plate: XK 90417\n",
        "I agree [x]\n",
        "I disagree [ ]",
    ),
    raw(
        "annotations",
        RawPdf(
            lines(*PARAGRAPH),
            annotations=[
                f"/Subtype /FreeText /Rect [72 600 372 620] /F 4 /Contents (Closed in May.) /AP << /N {FIRST} 0 R >>",
                f"/Subtype /Stamp /Rect [72 560 372 580] /F 4 /AP << /N {FIRST + 1} 0 R >>",
                f"/Subtype /Text /Rect [400 600 420 620] /F 4 /Contents ({HIDDEN})",
                f"/Subtype /FreeText /Rect [72 520 372 540] /F 2 /Contents (x) /AP << /N {FIRST + 2} 0 R >>",
            ],
            objects=[appearance(text, 300, 20) for text in ("Closed in May.", "APPROVED 9 MAY", HIDDEN)],
        ),
        SHOWN,
        "Closed in May.",
        "APPROVED 9 MAY",
        hidden=(HIDDEN,),
    ),
]

_ATTACHED = raw(
    "attachment",
    RawPdf(
        lines("For the best experience open this portfolio in a newer reader."),
        catalog=f"/Names << /EmbeddedFiles << /Names [(terms.txt) {FIRST} 0 R] >> >>",
        objects=[
            f"<< /Type /Filespec /F (terms.txt) /UF (terms.txt) /EF << /F {FIRST + 1} 0 R >> >>".encode(),
            stream("/Type /EmbeddedFile", b"The terms."),
        ],
    ),
    "For the best experience",
    warned=("terms.txt",),
)

_LAYER = f"/Properties << /L {FIRST} 0 R >>"
_OFF = f"/OCProperties << /OCGs [{FIRST} 0 R] /D << /OFF [{FIRST} 0 R] >> >>"
_UNSEEN = [
    unseen("invisible", lines(f"The {HIDDEN}.", before="3 Tr") + " 0 Tr"),
    unseen("white-on-white", "1 g " + lines(f"The {HIDDEN}.") + " 0 g"),
    unseen("nearly-white", "0.98 g " + lines(f"The {HIDDEN}.") + " 0 g"),
    unseen("blackened", lines(f"The {HIDDEN}.", top=600) + " 0 g 60 590 400 30 re f"),
    unseen("behind-a-white-box", lines(f"The {HIDDEN}.", top=600) + " 1 g 60 590 400 30 re f 0 g"),
    unseen("black-on-black", "0 g 60 590 400 30 re f " + lines(f"The {HIDDEN}.", top=600)),
    unseen("blackened-in-a-sentence", lines(f"The lid is red. The {HIDDEN}.", top=600) + " 0 g 145 590 400 30 re f"),
    unseen("outside-the-page", lines(f"The {HIDDEN}.", left=700)),
    unseen("outside-the-crop-box", lines(f"The {HIDDEN}.", top=20), RawPdf("", crop=(0, 50, 595, 842))),
    unseen("tiny", f"BT /F1 0.4 Tf 72 600 Td (The {HIDDEN}.) Tj ET"),
    unseen(
        "layer-that-is-off",
        f"/OC /L BDC {lines(f'The {HIDDEN}.')} EMC",
        RawPdf("", resources=_LAYER, catalog=_OFF, objects=[b"<< /Type /OCG /Name (Draft) >>"]),
    ),
    unseen(
        "beside-visible-text",
        f"BT /F1 11 Tf 72 600 Td (The lid is red.) Tj 1 g ( The {HIDDEN}.) Tj 0 g ET",
    ),
]
_SEEN = [
    raw(
        "white-on-black",
        RawPdf("0 g 60 590 400 30 re f 1 g " + lines("The price is nine euros.", top=600)),
        "The price is nine euros.",
    ),
    raw(
        "rows-on-gray-drawn-one-after-the-other",
        RawPdf(
            "\n".join(
                f"0.8 g 60 {top - 6} 400 20 re f 0 g {lines(text, top=top)}"
                for text, top in (("The price is nine euros.", 600), ("The delivery takes two days.", 570))
            )
        ),
        "The price is nine euros.",
        "The delivery takes two days.",
    ),
    raw(
        "marked-with-a-transparent-color",
        RawPdf(
            lines("The price is nine euros.", top=600) + " /Half gs 1 1 0 rg 60 590 400 30 re f 0 g",
            resources="/ExtGState << /Half << /ca 0.4 >> >>",
        ),
        "The price is nine euros.",
    ),
]

# Glyphs from left to right, as they stand on paper; that of lam-alef is two letters, as Word writes it.
_GLYPHS = {
    1: "\u062a",
    2: "\u0644\u0627",
    3: "\u064a",
    4: "\u0644",
    5: "\u062d",
    6: "\u0644\u0627",
    7: "\u062e",
    32: " ",
}
_MAP = "\n".join(f"<{code:04x}> <{letters.encode('utf-16-be').hex()}>" for code, letters in _GLYPHS.items())
_ARABIC_FONT = [
    f"<< /Type /Font /Subtype /Type0 /BaseFont /Arabic /Encoding /Identity-H /DescendantFonts [{FIRST + 1} 0 R] "
    f"/ToUnicode {FIRST + 2} 0 R >>".encode(),
    b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Arabic /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) "
    b"/Supplement 0 >> /DW 600 /W [32 32 318] >>",
    stream(
        "",
        f"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange {len(_GLYPHS)} beginbfchar\n{_MAP}\n"
        "endbfchar endcmap".encode(),
    ),
]


def _arabic(name: str, codes: tuple[int, ...], *shown: str) -> Case:
    text = "".join(f"{code:04x}" for code in codes)
    font = RawPdf(f"BT /F2 14 Tf 170 700 Td <{text}> Tj ET", objects=_ARABIC_FONT)
    page = font.data().replace(b"/F1 5 0 R", b"/F1 5 0 R /F2 %d 0 R" % FIRST)
    return Case(f"pdf-{name}", f"{name}.pdf", page, shown)


_ARABIC = [
    _arabic(
        "arabic-lam-alef",
        (1, 2, 3, 4, 5, 1, 32, 4, 6, 7),
        "\u062e\u0644\u0627\u0644 \u062a\u062d\u0644\u064a\u0644\u0627\u062a",
    ),
]

CASES = [*_TURNED, *_COLUMNS, *_TABLES, *_DIVIDED, *_FORMS, _ATTACHED, *_UNSEEN, *_SEEN, *_ARABIC]
