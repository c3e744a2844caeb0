"""Mails, books, OpenDocument, Rich Text, tables and records as text, notebooks, source code."""

import io
import json
import zipfile
from email.message import EmailMessage

from tests.support.compound_file import compound_file
from tests.support.document_cases.case import Case

HIDDEN = "warranty is ninety years"


def zipped(mime_type: str, parts: dict[str, str]) -> bytes:
    """A zip archive whose first entry says what it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {"mimetype": mime_type, **parts}.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of 1980, so that the bytes are the same each time
    return buffer.getvalue()


_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = " ".join(
    f'xmlns:{name}="{_OASIS}{kind}:1.0"'
    for name, kind in {
        "office": "office", "text": "text", "table": "table", "style": "style", "draw": "drawing",
        "presentation": "presentation",
    }.items()
)  # fmt: skip


def opendocument(kind: str, body: str, styles: str = "") -> bytes:
    """An OpenDocument file of one body."""
    content = (
        f"<office:document-content {_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    title = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Tariff</dc:title>'
    about = f"<office:document-meta {_NAMES}>{title}</office:document-meta>"
    parts = {"META-INF/manifest.xml": "<manifest/>", "content.xml": content, "meta.xml": about}
    return zipped(f"application/vnd.oasis.opendocument.{kind}", parts)


def cells(*texts: str) -> str:
    """Cells of a row."""
    return "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)


_ODT = opendocument(
    "text",
    "<office:text><text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes><text:h "
    'text:outline-level="2">'
    f"Fees</text:h><text:p>Ships<text:s/>pay <text:span>12 euro</text:span>.<office:annotation><text:p>{HIDDEN}"
    f"</text:p>"
    f'</office:annotation><text:span text:style-name="H">{HIDDEN}</text:span></text:p><text:list><text:list-item>'
    f"<text:p>one"
    "</text:p><text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list></text:list-item>"
    "</text:list>"
    f"<table:table><table:table-row>{cells('Zone', 'Price')}</table:table-row><table:table-row>{cells('North', '7.30')}"
    "</table:table-row></table:table><text:p><draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box>"
    "</draw:frame></text:p></office:text>",
    '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>',
)
_ODS = opendocument(
    "spreadsheet",
    '<office:spreadsheet><table:table table:name="Fees"><table:table-row>'
    f"{cells('Zone', 'Weight', 'Price')}</table:table-row><table:table-row><table:table-cell "
    f"table:number-rows-spanned='2'>"
    f"<text:p>North</text:p></table:table-cell>{cells('1 kg', '4.10')}</table:table-row><table:table-row>"
    f"<table:covered-table-cell/>{cells('5 kg', '7.30')}<table:table-cell table:number-columns-repeated='16000'/>"
    "</table:table-row><table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row>"
    f"<table:table-row table:visibility='collapse'>{cells('Secret', 'row', '0')}</table:table-row></table:table>"
    f"<table:table table:name='Hidden' table:style-name='H'><table:table-row>{cells(HIDDEN)}</table:table-row>"
    f"</table:table>"
    "</office:spreadsheet>",
    '<style:style style:name="H"><style:table-properties table:display="false"/></style:style>',
)
_ODP = opendocument(
    "presentation",
    "<office:presentation><draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>Fire drill</text:p>"
    "</draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>Speak slowly.</text:p>"
    "</draw:text-box></draw:frame></presentation:notes></draw:page><draw:page><draw:frame><draw:text-box><text:list>"
    "<text:list-item><text:p>Leave by the stairs.</text:p></text:list-item></text:list></draw:text-box></draw:frame>"
    "</draw:page></office:presentation>",
)


def book(chapter: str) -> bytes:
    """An EPUB of one chapter."""
    container = '<rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml" media-type='
        '"application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    parts = {
        "META-INF/container.xml": f'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{container}',
        "book.opf": package,
        "a.xhtml": f"<html><body>{chapter}</body></html>",
    }
    return zipped("application/epub+zip", parts)


_EPUB = zipped(
    "application/epub+zip",
    {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        "<rootfile "
        'full-path="OPS/book.opf"/></rootfiles></container>',
        "OPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        '<dc:title>Harbour handbook</dc:title></metadata><manifest><item id="b" href="text/two%20b.xhtml" media-type='
        '"application/xhtml+xml"/><item id="a" href="one.xhtml" media-type="application/xhtml+xml"/><item id="m" href='
        '"gone.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/>'
        '<itemref idref="m"/></spine></package>',
        "OPS/one.xhtml": f"<html><body><h1>Arrival</h1><p>Call on channel 12.</p><p hidden=''>{HIDDEN}</p>"
        "</body></html>",
        "OPS/text/two b.xhtml": "<html><body><h1>Departure</h1><p>Pay first.</p></body></html>",
    },
)
_RTF = (
    r"{\rtf1\ansi\ansicpg1252{\info{\title Fire drill plan}}{\fonttbl{\f0 Arial;}}\pard Gr\'fc\'dfe, \u8364?45.\par "
    rf"{{\v The {HIDDEN}.}}Leave by \v ninety \v0 the stairs.\par}}"
).encode()


def _mail(page: bool) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Rückgabe der Pumpe"
    message["From"] = "Tuva Lindqvist <tuva@example.org>"
    message["To"] = "service@example.org"
    message["Date"] = "Sat, 09 May 2026 08:30:00 +0200"
    message.set_content("Grüße,\nthe pump leaks." if not page else "Your program shows no pages.")
    if page:
        message.add_alternative(f"<p>Grüße,</p><p>the pump leaks.</p><p hidden>{HIDDEN}</p>", subtype="html")
    inner = EmailMessage()
    inner["Subject"] = "First complaint"
    inner.set_content("It leaked in March.")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="invoice.pdf")
    message.add_attachment(inner)
    return bytes(message)


def _utf_16(text: str) -> bytes:
    return text.encode("utf-16-le")


_MSG = compound_file(
    {
        "__properties_version1.0": b"",
        "__substg1.0_0037001F": _utf_16("Rückgabe der Pumpe"),
        "__substg1.0_0C1A001F": _utf_16("Tuva Lindqvist"),
        "__substg1.0_1000001F": _utf_16("Grüße,\r\nthe pump leaks."),
        "__attach_version1.0_#00000000/__substg1.0_3707001F": _utf_16("invoice.pdf"),
    }
)
_MHT = (
    b"MIME-Version: 1.0\r\nSubject: Opening hours\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
    b"Content-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>Open from 8=9616, =8045.</p>\r\n--x\r\nContent-Type: text/css\r\n\r\np{color:red}\r\n--x--\r\n"
)
_NOTEBOOK = {
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": ["# Load\n", "The press."]},
        {
            "cell_type": "code",
            "source": "print(load)",
            "outputs": [
                {"output_type": "stream", "text": ["40 bar\n"]},
                {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                {"output_type": "error", "traceback": ["Traceback"]},
            ],
        },
    ],
}

CASES = [
    Case(
        "odt", "a.odt", _ODT,
        ("## Fees", "Ships pay 12 euro.", "* one\n  * inner", "| Zone | Price |\n| --- | --- |\n| North | 7.30 |",
         "In a box."),
        (HIDDEN, "deleted words"), "Tariff",
    ),
    Case(
        "ods", "a.ods", _ODS,
        ("## Fees", "| Zone | Weight | Price |", "| North | 1 kg | 4.10 |\n| North | 5 kg | 7.30 |"),
        (HIDDEN, "Secret", "Hidden"),
    ),
    Case(
        "odp", "a.odp", _ODP,
        ("<!-- page: 1 -->", "# Fire drill", "Speak slowly.", "<!-- page: 2 -->", "* Leave by the stairs."),
    ),
    Case(
        "epub", "a.epub", _EPUB, ("# Arrival", "Call on channel 12.", "# Departure", "Pay first."), (HIDDEN,),
        "Harbour handbook", ("gone.xhtml",),
    ),
    Case("rtf", "a.rtf", _RTF, ("Grüße, €45.", "Leave by", "the stairs."), (HIDDEN, "ninety"), "Fire drill plan"),
    Case(
        "eml", "a.eml", _mail(page=False),
        ("# Rückgabe der Pumpe", "From: Tuva Lindqvist", "the pump leaks.", "## First complaint",
         "It leaked in March."),
        title="Rückgabe der Pumpe", warned=("invoice.pdf",),
    ),
    Case(
        "eml-page", "a.eml", _mail(page=True), ("Grüße,\n\nthe pump leaks.",), (HIDDEN, "shows no pages"),
        warned=("invoice.pdf",),
    ),
    Case(
        "msg", "a.msg", _MSG, ("# Rückgabe der Pumpe", "From: Tuva Lindqvist", "Grüße,\nthe pump leaks."),
        title="Rückgabe der Pumpe", warned=("invoice.pdf",),
    ),
    Case("mht", "a.mht", _MHT, ("Open from 8–16, €45.",), ("color",), "Opening hours"),
    Case(
        "csv", "a.csv", "Zone;Weight;Price\nNorth;1 kg;4,10\nNorth;\"5; or\n6 kg\";7,30\n".encode("cp1252"),
        ("| Zone | Weight | Price |\n| --- | --- | --- |\n| North | 1 kg | 4,10 |\n| North | 5; or 6 kg | 7,30 |",),
    ),
    Case("csv-comma", "a.csv", b"name,note\nA,\"x, y\"\nB,z\n", ("| name | note |", "| A | x, y |", "| B | z |")),
    Case("csv-sep", "a.csv", b"sep=|\r\na|b\r\n1|2\r\n", ("| a | b |", "| 1 | 2 |"), ("sep",)),
    Case("tsv", "a.tsv", b"Zone\tPrice, net\nNorth\t4\n", ("| Zone | Price, net |", "| North | 4 |")),
    Case(
        "json", "a.json", json.dumps({"pump": {"bar": 40, "on": True, "parts": ["seal", "disk"]}, "none": 0}).encode(),
        ("- pump:\n  - bar: 40\n  - on: true\n  - parts:\n    - seal\n    - disk\n- none: 0",),
    ),
    Case("json-table", "a.json", b'[{"zone":"North","kg":1},{"zone":"South","kg":5}]',
         ("| zone | kg |", "| South | 5 |")),
    Case("jsonl", "a.jsonl", b'{"q":"Who?","a":"Tuva"}\n{"q":"When?","a":"9 May"}\n{"q":',
         ("| Who? | Tuva |",), warned=("line 3",)),
    Case(
        "xml", "a.xml", 
        b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><p><name unit="bar">'
        b"40"
        b"</name><note>Oil <b>weekly</b>.</note><!-- ninety --><e>&e;</e></p>",
        ("- p:", "- name (unit bar): 40", "- note: Oil weekly."), ("ninety", "root:"),
    ),
    Case(
        "ipynb", "a.ipynb", json.dumps(_NOTEBOOK).encode(),
        ("# Load\nThe press.", "```python\nprint(load)\n```", "```\n40 bar\n```"), ("Traceback", "Figure"), "Load",
        ("cell 2: a picture",),
    ),
    Case("code", "pump_test.py", b'# not a heading\r\ndef f():\r\n\treturn """```"""\r\n',
         ('~~~~py\n# not a heading\ndef f():\n\treturn """```"""\n~~~~',), title="pump_test.py"),
    Case("yaml", "a.yaml", b"pump:\n  bar: 40\n", ("```yaml\npump:\n  bar: 40\n```",)),
]  # fmt: skip
