"""Mails, books, notebooks, records and tables as programs write them that do it in a way of their own."""

import json

from tests.support.document_cases.case import Case
from tests.support.document_cases.other import HIDDEN, zipped

_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="b.opf"/>'
    "</rootfiles></container>"
)


def _mail(name: str, kind: str, *parts: tuple[str, str], shown: tuple[str, ...], warned: tuple[str, ...] = ()) -> Case:
    """A message of parts, each of a content type and a text."""
    body = "".join(f"--B\nContent-Type: {type}\n\n{text}\n" for type, text in parts)
    content = f"Subject: Pump\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=B\n\n{body}--B--\n"
    return Case(f"eml-{name}", "a.eml", content.encode(), shown, warned=warned)


def _book(name: str, items: str, spine: str, pages: dict[str, str], *shown: str, hidden: tuple[str, ...] = ()) -> Case:
    book = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>'
    return Case(
        f"epub-{name}",
        "a.epub",
        zipped("application/epub+zip", {"META-INF/container.xml": _CONTAINER, "b.opf": book, **pages}),
        shown,
        hidden,
    )


def _item(name: str, place: str) -> str:
    return f'<item id="{name}" href="{place}" media-type="application/xhtml+xml"/>'


_MAILS = [
    _mail(
        "divided-by-a-picture",
        "mixed",
        ("text/plain", "The pump leaks."),
        ("image/png; name=p.png", "x"),
        ("text/plain", "It is noisy, too."),
        ("text/html", "<p>Greetings</p>"),
        shown=("The pump leaks.", "It is noisy, too.", "Greetings"),
        warned=("p.png",),
    ),
    _mail(
        "empty-page",
        "alternative",
        ("text/plain", "The pump leaks."),
        ("text/html", "<html><body></body></html>"),
        shown=("The pump leaks.",),
    ),
    _mail(
        "signed",
        "signed",
        ("text/plain", "The pump leaks."),
        ("application/pgp-signature; name=s.asc", "x"),
        shown=("The pump leaks.",),
    ),
    _mail(
        "invitation",
        "mixed",
        ("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nUID:7\nSUMMARY:Drill in room 5\nEND:VCALENDAR"),
        shown=("SUMMARY:Drill in room 5",),
    ),
]
_ONE, _TWO = "<html><body><h1>Arrival</h1></body></html>", "<html><body><h1>Departure</h1></body></html>"
_BOOKS = [
    _book(
        "without-order",
        _item("a", "one.xhtml") + _item("b", "two.xhtml"),
        "",
        {"one.xhtml": _ONE, "two.xhtml": _TWO},
        "# Arrival",
        "# Departure",
    ),
    _book(
        "other-case", _item("a", "Text/ONE.xhtml#top"), '<itemref idref="a"/>', {"text/one.xhtml": _ONE}, "# Arrival"
    ),
    _book(
        "hidden-by-sheet",
        _item("a", "one.xhtml"),
        '<itemref idref="a"/>',
        {
            "one.xhtml": f'<html><head><link rel="stylesheet" href="s.css"/></head><body><p class="h">The {HIDDEN}.</p>'
            "<p>Call on channel 12.</p></body></html>",
            "s.css": ".h{display:none}",
        },
        "Call on channel 12.",
        hidden=(HIDDEN,),
    ),
]
_OUTPUTS = [
    {
        "output_type": "display_data",
        "data": {"text/html": "<table><tr><th>Zone</th></tr><tr><td>North</td></tr></table>"},
    },
    {"output_type": "display_data", "data": {"text/markdown": "Seen **twice**."}},
    {"output_type": "display_data", "data": {"text/latex": "$x^2$"}},
]
_CELLS = [
    {"cell_type": "code", "source": ["%md\n", "# Load"], "outputs": []},
    {"cell_type": "code", "source": ["%sql\n", "select 1"], "outputs": _OUTPUTS},
]
_RECORDS = [
    Case(
        "ipynb-of-databricks",
        "a.ipynb",
        json.dumps({"nbformat": 4, "metadata": {}, "cells": _CELLS}).encode(),
        ("# Load\n", "```sql\nselect 1\n```", "| Zone |\n| --- |\n| North |", "Seen **twice**.", "$x^2$"),
        title="Load",
    ),
    Case("json-price", "a.json", b'{"price": 7.30, "id": 12345678901234567890.5}', ("7.30", "12345678901234567890.5")),
    Case("json-lines-in-json", "a.json", b'{"q":"Who?"}\n{"q":"When?"}\n', ("| q |", "| Who? |")),
    Case(
        "json-with-comments", "a.json", b'{\n// bar\n"load": 40,\n}', ("// bar", '"load": 40'), warned=("not JSON",)
    ),
    Case("xml-names", "a.xml", b"<a>caf&eacute; &amp; bar</a>", ("café & bar",)),
    Case(
        "xml-feed", "a.xml", b"<rss><item><d><![CDATA[<p>Oil <b>weekly</b>.</p>]]></d></item></rss>",
        ("Oil weekly",), ("<p>",),
    ),
    Case(
        "csv-open-quote", "a.csv", b'Item,Note\nbolt,"M5\nnut,M6\ndisk,M7\n',
        ('| bolt | "M5 |\n| nut | M6 |\n| disk | M7 |',),
    ),
    Case("csv-comments", "a.csv", b"# exported by Tuva\n# in May\nZone,Price\nNorth,7\n",
         ("exported by Tuva", "in May", "| Zone | Price |"), ("# in",)),
    Case(
        "rtf-table", "a.rtf",
        rb"{\rtf1\ansi A note{\footnote Below.}.{\deleted " + HIDDEN.encode()
        + rb"}\par\trowd\cellx1\cellx2 Zone\cell Price\cell\row North\cell 7\cell\row}",
        ("A note", "Below.", "| Zone | Price |\n| --- | --- |\n| North | 7 |"), (HIDDEN,),
    ),
]  # fmt: skip

CASES = [*_MAILS, *_BOOKS, *_RECORDS]
