"""The parsers by format: one module for each format, loaded for the first file that needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.types import Extract

Parser = Callable[[Path, ParseLimits], Extract]
"""Reads one file, opened for reading only and never mapped into memory, since it may lie on a mounted volume.

What a reader of the file sees becomes Markdown in reading order, and nothing else does. A part that cannot be read is
left out and named in `Extract.warnings`. It raises Unparsable, with the field of `ParseLimits` if a limit refuses the
file, or any exception of its library if the file is damaged. All parsers pass
`tests/unit/corpus/documents/parsers/test_contract.py`.
"""


@dataclass(frozen=True)
class Registration:
    """A format's parser: its name in the tables, and where it is."""

    name: str
    module: str
    function: str

    def load(self) -> Parser:
        """The parser, imported now: OCR and Office libraries take seconds, and most processes never need them."""
        module = import_module(f"ragops.corpus.documents.parsers.{self.module}")
        parser: Parser = getattr(module, self.function)
        return parser


_IMAGE = Registration("rapidocr", "image", "parse_image")
PARSERS = {
    "md": Registration("markdown", "text", "parse_markdown"),
    "txt": Registration("text", "text", "parse_text"),
    "html": Registration("markdownify", "html", "parse_html"),
    "docx": Registration("mammoth", "docx", "parse_docx"),
    "pptx": Registration("lxml", "pptx", "parse_pptx"),
    "xlsx": Registration("calamine", "xlsx", "parse_xlsx"),
    "pdf": Registration("pypdfium2", "pdf", "parse_pdf"),
    "odt": Registration("lxml", "opendocument", "parse_odt"),
    "ods": Registration("lxml", "opendocument", "parse_ods"),
    "odp": Registration("lxml", "opendocument", "parse_odp"),
    "epub": Registration("markdownify", "epub", "parse_epub"),
    "rtf": Registration("striprtf", "rtf", "parse_rtf"),
    "eml": Registration("email", "mail", "parse_eml"),
    "mht": Registration("email", "mail", "parse_mht"),
    "msg": Registration("olefile", "mail", "parse_msg"),
    "csv": Registration("csv", "delimited", "parse_csv"),
    "json": Registration("json", "structured", "parse_json"),
    "jsonl": Registration("json", "structured", "parse_json_lines"),
    "xml": Registration("lxml", "structured", "parse_xml"),
    "ipynb": Registration("json", "notebook", "parse_notebook"),
    "code": Registration("text", "code", "parse_code"),
    "png": _IMAGE,
    "jpeg": _IMAGE,
    "tiff": _IMAGE,
    "bmp": _IMAGE,
    "gif": _IMAGE,
    "webp": _IMAGE,
}
