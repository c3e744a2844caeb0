"""Cases of Word files."""

from functools import partial
from pathlib import Path

from docx import Document

from tests.support.document_cases.case import Case
from tests.support.office_files import (
    NAMESPACES,
    abstract_list,
    cell,
    in_list,
    level,
    paragraph,
    style,
    table,
    write_word,
)

_HEADINGS = "".join(style(f"heading {n}", f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr>') for n in (1, 2, 3))
_H1, _H2 = '<w:pStyle w:val="heading1"/>', '<w:pStyle w:val="heading2"/>'
_NUM = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in range(1, 9))


def _word(name: str, body: str, **more: object) -> Case:
    """A case whose file is written from XML; `shown`, `hidden`, `title` and `warned` are the case's."""
    expected = {key: more.pop(key) for key in ("shown", "hidden", "title", "warned") if key in more}
    file = str(more.pop("file", f"{name}.docx"))
    return Case(name, file, partial(write_word, body=body, **more), **expected)  # type: ignore[arg-type]


def _write_long_table(path: Path) -> None:
    document = Document()
    grid = document.add_table(0, 3)
    for row in [("Article", "Shelf", "Minimum"), *((f"Bolt M{n}", f"R{n}", str(n)) for n in range(80))]:
        for one, text in zip(grid.add_row().cells, row, strict=True):
            one.text = text
    document.save(str(path))


def _write_core_title(path: Path) -> None:
    document = Document()
    document.core_properties.title = "Fire drill plan"
    document.add_paragraph("Meet at the oak tree.")
    document.save(str(path))


def _box(text: str) -> str:
    return f"<wps:wsp><wps:txbx><w:txbxContent>{paragraph(text)}</w:txbxContent></wps:txbx></wps:wsp>"


def _drawing(content: str, properties: str = "") -> str:
    return (
        f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="x" {properties}/><a:graphic><a:graphicData>{content}'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def _picture(relation: str, description: str = "") -> str:
    blip = f'<pic:pic><pic:blipFill><a:blip r:embed="{relation}"/></pic:blipFill></pic:pic>'
    return _drawing(blip, f'descr="{description}"')


_FIELD = (
    "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>{}</w:instrText></w:r><w:r>"
    "<w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>{}</w:t></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>"
)
_NOTE = (
    '<w:footnotes {}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
    '<w:footnote w:id="2">{}</w:footnote></w:footnotes>'
)
_CHART = (
    f"<c:chartSpace {NAMESPACES}><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Visitors</a:t></a:r></a:p></c:rich>"
    '</c:tx></c:title><c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Zoo</c:v></c:pt>'
    '</c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>May</c:v></c:pt></c:strCache>'
    '</c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx="0"><c:v>812.5</c:v></c:pt></c:numCache></c:numRef>'
    "</c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"
)

CASES = [
    Case("core-title", "x.docx", _write_core_title, title="Fire drill plan"),
    _word(
        "core-title-of-office",
        paragraph("Text"),
        docProps__core_xml='<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Microsoft Word - a</dc:title></p>',
        file="leave_policy.docx",
        title="Leave policy",
    ),
    Case(
        "table-header", "x.docx", _write_long_table, ("| Article | Shelf | Minimum |\n| --- | --- | --- |\n| Bolt M0",)
    ),
    _word(
        "title-style",
        paragraph("Annual plan", '<w:pStyle w:val="Title"/>') + paragraph("Why", _H1) + paragraph("We open two shops."),
        styles=style("Title") + _HEADINGS,
        shown=("# Annual plan", "# Why", "We open"),
        title="Annual plan",
    ),
    _word(
        "heading-by-other-styles",
        paragraph("Kapitel", '<w:pStyle w:val="K"/>')
        + paragraph("Direct", '<w:outlineLvl w:val="1"/>')
        + paragraph("Body"),
        styles=_HEADINGS + style("Kapitel", based_on="heading1", id="K"),
        shown=("# Kapitel", "## Direct", "Body"),
    ),
    _word("bold-heading", paragraph("Term", _H1, "<w:b/>") + paragraph("x"), styles=_HEADINGS, hidden=("*",)),
    _word(
        "header",
        paragraph("The seller delivers.")
        + '<w:sectPr><w:headerReference w:type="default" r:id="h"/><w:footerReference w:type="default" r:id="f"/>'
        '<w:headerReference w:type="first" r:id="n"/></w:sectPr>',
        targets={"h": ("header", "header1.xml"), "f": ("footer", "footer1.xml"), "n": ("header", "header2.xml")},
        word__header1_xml=f"<w:hdr {NAMESPACES}>{paragraph('Contract AX-9931')}</w:hdr>",
        word__header2_xml=f"<w:hdr {NAMESPACES}>{paragraph('Only on a first page that differs')}</w:hdr>",
        word__footer1_xml=f"<w:ftr {NAMESPACES}><w:p><w:r><w:t>Page </w:t></w:r>{_FIELD.format('PAGE', '7')}</w:p>"
        f"<w:p><w:r><w:t>Version 4 of May</w:t></w:r><w:r><w:ptab/></w:r><w:r><w:t>page</w:t></w:r>"
        f"{_FIELD.format('PAGE', '7')}</w:p></w:ftr>",
        shown=("Contract AX-9931", "The seller delivers.", "Version 4 of May"),
        hidden=("Only on", "7", "Page"),
    ),
    _word(
        "heading-numbers",
        paragraph("Scope", _H1)
        + paragraph("Term", _H2)
        + paragraph("Cap", _H2)
        + paragraph("Fees", _H1)
        + paragraph("Late payment", _H2)
        + paragraph("See 2.1."),
        styles="".join(
            style(
                f"heading {n}", f'<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="{n - 1}"/></w:pPr>'
            )
            for n in (1, 2)
        ),
        numbering=abstract_list(
            1, level("%1", more='<w:pStyle w:val="heading1"/>'), level("%1.%2", more='<w:pStyle w:val="heading2"/>')
        )
        + _NUM,
        docProps__core_xml='<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Frame contract</dc:title></p>',
        title="Frame contract",
        shown=("# 1 Scope", "## 1.1 Term", "## 1.2 Cap", "# 2 Fees", "## 2.1 Late payment"),
    ),
    _word(
        "numbering-formats",
        paragraph("one", in_list(1))
        + paragraph("two", in_list(1))
        + paragraph("sub", in_list(1, 1))
        + paragraph("deep", in_list(1, 2))
        + paragraph("three", in_list(1))
        + paragraph("sub again", in_list(1, 1))
        + paragraph("Between.")
        + paragraph("four", in_list(1))
        + paragraph("fresh", in_list(2))
        + paragraph("article", in_list(3))
        + paragraph("legal", in_list(3, 1))
        + paragraph("off", in_list(0)),
        numbering=abstract_list(1, level("%1."), level("(%2)", "lowerLetter"), level("%3)", "lowerRoman"))
        + abstract_list(3, level("Article %1", "upperRoman"), level("%1.%2", more="<w:isLgl/>"))
        + '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="3"/></w:num>',
        shown=(
            "1. one",
            "2. two",
            "(a) sub",
            "i) deep",
            "3. three",
            "(a) sub again",
            "4. four",
            "1. fresh",
            "Article I article",
            "1.1 legal",
            "off",
        ),
    ),
    _word(
        "numbering-by-style",
        paragraph("first", '<w:pStyle w:val="Clause"/>') + paragraph("second", '<w:pStyle w:val="Clause"/>'),
        styles=style("Clause", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>')
        + style("Outline", '<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>', kind="numbering"),
        numbering='<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Outline"/></w:abstractNum>'
        + abstract_list(2, level("§ %1", "decimalZero"))
        + _NUM,
        shown=("§ 01 first", "§ 02 second"),
    ),
    _word(
        "bullets",
        paragraph("outer", in_list(1)) + paragraph("inner", in_list(1, 1)),
        numbering=abstract_list(1, level("x", "bullet"), level("x", "bullet")) + _NUM,
        shown=("- outer\n  - inner",),
    ),
    _word(
        "hidden-run",
        paragraph("Visible screws.")
        + paragraph("secret one", run="<w:vanish/>")
        + paragraph("secret two", run='<w:rStyle w:val="H"/>')
        + paragraph("shown again", '<w:pStyle w:val="P"/>', '<w:vanish w:val="0"/>')
        + paragraph("secret three", '<w:pStyle w:val="P"/>')
        + paragraph("secret four", run='<w:color w:val="FFFFFF"/>')
        + paragraph("secret five", run='<w:sz w:val="2"/>')
        + paragraph("white on blue", run='<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="0000FF"/>'),
        styles=style("H", "<w:rPr><w:vanish/></w:rPr>", kind="character") + style("P", "<w:rPr><w:vanish/></w:rPr>"),
        shown=("Visible screws.", "shown again", "white on blue"),
        hidden=("secret",),
    ),
    _word(
        "revisions-and-comments",
        "<w:p><w:r><w:t>Pay </w:t></w:r><w:del><w:r><w:delText>monthly</w:delText></w:r></w:del><w:ins><w:r>"
        "<w:t>weekly</w:t>"
        "</w:r></w:ins><w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:moveTo><w:r>"
        "<w:t> moved</w:t></w:r></w:moveTo>"
        '<w:r><w:commentReference w:id="1"/></w:r></w:p>'
        + table(cell("kept") + cell("row"), "<w:trPr><w:del/></w:trPr>" + cell("deleted") + cell("row two")),
        word__comments_xml=f"<w:comments {NAMESPACES}>"
        f'<w:comment w:id="1">{paragraph("remark")}</w:comment></w:comments>',
        shown=("Pay weekly moved", "kept"),
        hidden=("monthly", "gone", "deleted", "remark"),
    ),
    _word(
        "linked-picture",
        f"<w:p><w:r><w:t>Before </w:t></w:r>{_picture('p')}<w:r><w:t>after.</w:t></w:r></w:p>",
        targets={"p": ("image", "https://example.org/a.png")},
        shown=("Before after.",),
        warned=("linked picture",),
    ),
    _word(
        "picture-description",
        f"<w:p>{_picture('', 'Brown wire to clamp L')}</w:p><w:p>{_picture('', 'IMG_2041.jpg')}</w:p>",
        shown=("Brown wire to clamp L",),
        hidden=("IMG",),
    ),
    _word(
        "ruby",
        "<w:p><w:r><w:t>in </w:t></w:r><w:r><w:ruby><w:rt><w:r><w:t>きょう</w:t></w:r></w:rt><w:rubyBase><w:r>"
        "<w:t>京</w:t></w:r>"
        "</w:rubyBase></w:ruby></w:r><w:r><w:ruby><w:rt><w:r><w:t>と</w:t></w:r></w:rt><w:rubyBase><w:r>"
        "<w:t>都</w:t></w:r>"
        "</w:rubyBase></w:ruby></w:r></w:p>",
        shown=("in 京都",),
    ),
    _word(
        "underline",
        paragraph("The final date is 9 May.", run='<w:u w:val="single"/>'),
        shown=("The final date",),
        hidden=("<u>",),
    ),
    _word(
        "text-boxes",
        f"<w:p><w:r><w:t>Poster.</w:t></w:r>{_drawing(_box('Without alternative 4711'))}</w:p><w:p>"
        f"<w:r><mc:AlternateContent>"
        f"<mc:Choice>{_drawing(_box('Once only'))[5:-6]}</mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>"
        f"<w:txbxContent>{paragraph('Once only')}</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
        f"<w:p><w:r><w:pict><v:shape><v:textbox>"
        f"<w:txbxContent>{paragraph('Old box')}</w:txbxContent></v:textbox></v:shape>"
        "</w:pict></w:r></w:p>",
        shown=("Poster.", "Without alternative 4711", "Once only", "Old box"),
        hidden=("Once only\n\nOnce only",),
    ),
    _word(
        "merged-cells",
        table(
            cell("Zone", '<w:vMerge w:val="restart"/>') + cell("Price", '<w:gridSpan w:val="2"/>'),
            cell("", "<w:vMerge/>") + cell("net") + cell("gross"),
            cell("North", '<w:vMerge w:val="restart"/>') + cell("5") + cell("6"),
            cell("", "<w:vMerge/>") + cell("7") + cell("8"),
            '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + cell("9") + cell("10"),
        ),
        shown=("| Zone | Price net | Price gross |", "| North | 5 | 6 |", "| North | 7 | 8 |", "|  | 9 | 10 |"),
    ),
    _word(
        "frame-and-nested-table",
        table(f"<w:tc>{paragraph('Inside a frame', _H1)}{paragraph('text')}</w:tc>")
        + table(cell("a") + cell("b"), cell("c") + f"<w:tc>{table(cell('d') + cell('e'))}<w:p/></w:tc>"),
        styles=_HEADINGS,
        shown=("# Inside a frame", "text", "| a | b |", "| c | d e |"),
    ),
    _word(
        "fields-and-controls",
        f'<w:p><w:fldSimple w:instr="DATE"><w:r><w:t>Monday</w:t></w:r></w:fldSimple></w:p>'
        f"<w:p>{_FIELD.format('REF x', 'Annex C')}"
        "</w:p><w:sdt><w:sdtContent><w:p><w:r><w:t>Controlled</w:t></w:r></w:p></w:sdtContent></w:sdt><w:p>"
        '<w:bdo w:val="rtl">'
        "<w:r><w:t>turned</w:t></w:r></w:bdo></w:p><w:p><w:r><w:t>left</w:t></w:r><w:r><w:ptab/></w:r><w:r>"
        "<w:t>right</w:t></w:r></w:p>"
        '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="red"/>'
        '<w:listEntry w:val="green"/></w:ddList></w:ffData></w:fldChar></w:r><w:r>'
        '<w:fldChar w:fldCharType="end"/></w:r></w:p>'
        '<w:p><w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr><w:sdtContent>'
        "<w:r><w:t>☒</w:t>"
        "</w:r></w:sdtContent></w:sdt><w:r><w:t> agreed</w:t></w:r></w:p>",
        shown=("Monday", "Annex C", "Controlled", "turned", "left", "right", "green", "[x] agreed"),
        hidden=("leftright", "red"),
    ),
    _word(
        "notes",
        paragraph("Costs", _H1)
        + '<w:p><w:r><w:t>Net</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
        + paragraph("Next", _H1)
        + paragraph("y"),
        styles=_HEADINGS,
        word__footnotes_xml=_NOTE.format(NAMESPACES, paragraph("without tax")),
        shown=("Net[^1]", "[^1]: without tax", "# Next"),
    ),
    _word(
        "equations-and-symbols",
        "<w:p><w:r><w:t>so </w:t></w:r><m:oMath><m:f><m:num><m:r><m:t>α</m:t></m:r></m:num><m:den><m:r>"
        "<m:t>2</m:t></m:r></m:den></m:f>"
        "</m:oMath></w:p><w:p><m:oMathPara><m:oMath><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r>"
        "<m:t>3</m:t></m:r></m:sup>"
        '</m:sSup></m:oMath></m:oMathPara></w:p><w:p><w:r><w:t>5 </w:t><w:sym w:font="Symbol" w:char="F06D"/>'
        "<w:t>m, 10</w:t></w:r>"
        '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>6</w:t></w:r></w:p>',
        shown=(r"so $\frac{α}{2}$", "$$x^{3}$$", "5 μm, 10^6"),
    ),
    _word(
        "links",
        '<w:p><w:hyperlink r:id="l"><w:r><w:t>page</w:t></w:r></w:hyperlink><w:hyperlink w:anchor="b"><w:r>'
        "<w:t> inside</w:t></w:r>"
        '</w:hyperlink><w:hyperlink r:id="missing"><w:r><w:t> broken</w:t></w:r></w:hyperlink></w:p>',
        targets={"l": ("hyperlink", "https://example.org/x")},
        shown=("[page](https://example.org/x) inside broken",),
    ),
    _word(
        "alternative-chunk",
        paragraph("Before.") + '<w:altChunk r:id="c"/>' + paragraph("After.") + '<w:altChunk r:id="d"/>',
        targets={"c": ("aFChunk", "chunk.html"), "d": ("aFChunk", "chunk.bin")},
        **{"word__chunk.html": b"<p>From <b>HTML</b></p>", "word__chunk.bin": b"\0"},
        shown=("Before.", "HTML", "After."),
        warned=("chunk.bin",),
    ),
    _word(
        "chart",
        "<w:p>" + _drawing('<c:chart r:id="c"/>') + "</w:p>",
        targets={"c": ("chart", "charts/chart1.xml")},
        word__charts__chart1_xml=_CHART,
        shown=("Visitors", "|  | Zoo |", "| May | 812.5 |"),
    ),
    _word(
        "damaged-part",
        paragraph("The text stays."),
        word__footnotes_xml="\0\1\2",
        word__settings_xml="<w:settings",
        shown=("The text stays.",),
        warned=("footnotes.xml", "settings.xml"),
    ),
    _word(
        "damaged-text",
        paragraph("Before.") + paragraph("Control \x01 character, <b a='1' a='2'> and a tag."),
        shown=("Before.", "Control"),
        warned=("document.xml", "not recognized"),
    ),
    _word(
        "first-letter",
        '<w:p><w:pPr><w:framePr w:dropCap="drop"/></w:pPr><w:r><w:t>D</w:t></w:r></w:p>' + paragraph("rop cap."),
        shown=("Drop cap.",),
    ),
    _word(
        "emphasis-in-words",
        "<w:p><w:r><w:t>un</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>believ</w:t></w:r><w:r><w:t>able </w:t></w:r>"
        "<w:r><w:rPr><w:b/></w:rPr><w:t>bold</w:t></w:r></w:p>",
        shown=("unbelievable **bold**",),
    ),
    _word(
        "controls-around-blocks",
        "<w:p>"
        + _drawing(
            f"<wps:wsp><wps:txbx><w:txbxContent><w:sdt><w:sdtContent>{paragraph('In a control in a box')}"
            "</w:sdtContent></w:sdt></w:txbxContent></wps:txbx></wps:wsp>"
        )
        + "</w:p>",
        shown=("In a control in a box",),
    ),
    _word("macros", paragraph("In a file with macros."), file="a.docm", shown=("In a file",)),
    _word("template", paragraph("In a template."), file="a.dotx", shown=("In a template",)),
]


def _write_strict(path: Path) -> None:
    write_word(path, paragraph("Strict", _H1) + paragraph("Text of a strict file."), styles=_HEADINGS)
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            strict = content.replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            )
            archive.writestr(
                name.replace("/", "\\"),
                strict.replace(
                    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                    b"http://purl.oclc.org/ooxml/officeDocument/relationships",
                ),
            )


CASES.append(Case("strict", "a.docx", _write_strict, ("# Strict", "Text of a strict file.")))
