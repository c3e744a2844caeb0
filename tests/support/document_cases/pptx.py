"""Cases of PowerPoint files."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from zipfile import ZipFile

from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide
from pptx.util import Inches

from tests.support.document_cases.case import Case
from tests.support.office_files import NAMESPACES

_TITLE_AND_BODY, _COMPARISON, _TITLE_ONLY, _BLANK = 1, 4, 5, 6


def _deck(fill: Callable[[Deck], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        deck = Presentation()
        fill(deck)
        deck.save(str(path))

    return write


def _slide(deck: Deck, title: str = "", body: str = "", layout: int | None = None) -> Slide:
    slide = deck.slides.add_slide(
        deck.slide_layouts[layout or (_TITLE_AND_BODY if body else _TITLE_ONLY if title else _BLANK)]
    )
    if title:
        slide.shapes.title.text = title
    if body:
        slide.placeholders[1].text = body
    return slide


def _box(slide: Slide, text: str, left: float = 1, top: float = 1, width: float = 3, height: float = 1):  # type: ignore[no-untyped-def]
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.text_frame.text = text
    return box


def _last_blank(deck: Deck) -> None:
    _slide(deck, "Harvest plan", "Pick the early apples")
    _slide(deck)


def _odd_shape(deck: Deck) -> None:
    slide = _slide(deck, "Plan")
    odd = _box(slide, "Note on a shape without outline")
    odd._element.spPr.clear()
    _box(slide, "Dig the pond in April", top=4)


def _lists(deck: Deck) -> None:
    frame = _slide(deck, "Steps", "open\nread\nclose").placeholders[1].text_frame
    for paragraph in frame.paragraphs[:2]:
        number = etree.SubElement(paragraph._p.get_or_add_pPr(), qn("a:buAutoNum"))
        number.set("type", "alphaLcParenR")
    frame.paragraphs[2].level = 1


def _columns(deck: Deck) -> None:
    slide = _slide(deck)
    for text, left, top in (("right two", 5, 3.1), ("left one", 1, 1.1), ("right one", 5, 1), ("left two", 1, 3)):
        _box(slide, text, left, top, 3, 2.05)
    _box(slide, "Above all", 1, 0.2, 8, 0.5)


def _comparison(deck: Deck) -> None:
    slide = _slide(deck, "Pros and cons", layout=_COMPARISON)
    for shape, text in zip(list(slide.placeholders)[1:], ("Pros", "It is cheap", "Cons", "It is slow"), strict=True):
        shape.text = text


def _table(deck: Deck) -> None:
    grid = _slide(deck, "Fees").shapes.add_table(4, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, texts in enumerate((("Zone", "Net", "Gross"), ("North", "5", "6"), ("", "7", "8"), ("South", "both", ""))):
        for column, text in enumerate(texts):
            grid.cell(row, column).text = text
    grid.cell(1, 0).merge(grid.cell(2, 0))
    grid.cell(3, 1).merge(grid.cell(3, 2))


def _chart(deck: Deck) -> None:
    data = CategoryChartData()
    data.categories = ["East", "West"]
    data.add_series("Sales 2024", (1.5, 2))
    graphic = _slide(deck, "Sales").shapes.add_chart(
        XL_CHART_TYPE.PIE, Inches(1), Inches(2), Inches(4), Inches(3), data
    )
    graphic.chart.has_title = True
    graphic.chart.chart_title.text_frame.text = "Tons sold"


def _hidden(deck: Deck) -> None:
    _slide(deck, "Shown", "text")
    _slide(deck, "Secret slide")._element.set("show", "0")
    slide = _slide(deck, "Also shown")
    _box(slide, "secret shape")._element.nvSpPr.cNvPr.set("hidden", "1")
    _box(slide, "secret outside", left=40)


def _repeated(deck: Deck) -> None:
    first = _slide(deck, "First", "a")
    master = deck.slide_master.shapes._spTree
    fixed = deepcopy(_box(first, "Contoso confidential", top=6)._element)
    first.shapes._spTree.remove(first.shapes._spTree[-1])
    master.append(fixed)
    _slide(deck, "Second", "b")


def _groups(deck: Deck) -> None:
    group = _slide(deck, "Groups").shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    for number, shapes in enumerate((group.shapes, inner.shapes)):
        shapes.add_textbox(Inches(1), Inches(1 + number), Inches(2), Inches(0.5)).text_frame.text = f"level {number}"


def _notes(deck: Deck) -> None:
    _slide(deck, "Talk", "slides").notes_slide.notes_text_frame.text = "Tell the story of the bridge."
    _slide(deck, "End", "thanks")


def _append(slide: Slide, xml: str) -> None:
    slide.shapes._spTree.append(etree.fromstring(xml))


def _alternatives(deck: Deck) -> None:
    slide = _slide(deck, "Choice")
    body = "<p:txBody><a:p><a:r><a:t>{}</a:t></a:r>{}</a:p></p:txBody>"
    shape = '<p:sp><p:nvSpPr><p:cNvPr id="9" name="x"/><p:nvPr/></p:nvSpPr><p:spPr/>' + body + "</p:sp>"
    math = (
        "<mc:AlternateContent><mc:Choice><a14:m><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t>"
        "</m:r></m:den></m:f></m:oMath></a14:m></mc:Choice><mc:Fallback><a:r><a:t>picture</a:t></a:r></mc:Fallback>"
        "</mc:AlternateContent>"
    )
    _append(
        slide,
        f"<mc:AlternateContent {NAMESPACES}><mc:Choice>{shape.format('New shape ', math)}</mc:Choice><mc:Fallback>"
        f"{shape.format('Old shape', '')}</mc:Fallback></mc:AlternateContent>",
    )


def _with_damaged_slide(path: Path) -> None:
    def fill(deck: Deck) -> None:
        for name in ("First", "Second", "Third"):
            _slide(deck, name, f"Text of the {name}")

    _deck(fill)(path)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, b"\0" if name == "ppt/slides/slide2.xml" else content)


CASES = [
    Case(
        "last-slide-without-text",
        "a.pptx",
        _deck(_last_blank),
        ("# Harvest plan", "early apples", "<!-- page: 2 -->"),
        ("Slide",),
    ),
    Case("odd-shape", "a.pptx", _deck(_odd_shape), ("# Plan", "Dig the pond in April")),
    Case("lists", "a.pptx", _deck(_lists), ("# Steps", "a) open\nb) read\n  - close")),
    Case("columns", "a.pptx", _deck(_columns), ("Above all", "left one", "left two", "right one", "right two")),
    Case("comparison", "a.pptx", _deck(_comparison), ("# Pros and cons", "Pros", "It is cheap", "Cons", "It is slow")),
    Case(
        "table",
        "a.pptx",
        _deck(_table),
        ("| Zone | Net | Gross |", "| North | 5 | 6 |", "| North | 7 | 8 |", "| South | both | both |"),
    ),
    Case("chart", "a.pptx", _deck(_chart), ("# Sales", "Tons sold", "|  | Sales 2024 |", "| East | 1.5 |")),
    Case(
        "hidden",
        "a.pptx",
        _deck(_hidden),
        ("# Shown", "<!-- page: 2 -->", "# Also shown"),
        ("ecret",),
        warned=("slide 2: hidden", "slide 3: text outside"),
    ),
    Case("on-every-slide", "a.pptx", _deck(_repeated), ("# First", "Contoso confidential", "# Second"), title="First"),
    Case("groups", "a.pptx", _deck(_groups), ("# Groups", "level 0", "level 1")),
    Case("notes", "a.pptx", _deck(_notes), ("slides", "### Notes\n\nTell the story", "# End")),
    Case(
        "alternatives",
        "a.pptx",
        _deck(_alternatives),
        ("# Choice", r"New shape $\frac{a}{b}$"),
        ("Old shape", "picture"),
    ),
    Case(
        "damaged-slide",
        "a.pptx",
        _with_damaged_slide,
        ("First", "<!-- page: 2 -->", "Third"),
        ("Second",),
        warned=("slide2.xml", "slide 2"),
    ),
    Case("show", "a.ppsx", _deck(lambda deck: _slide(deck, "A show", "text")), ("# A show",), title="A show"),
    Case("macros", "a.pptm", _deck(lambda deck: _slide(deck, "With macros", "text")), ("# With macros",)),
]
