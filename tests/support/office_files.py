"""Word and PowerPoint files from their XML, with properties that the libraries which write them do not offer."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "r": _OFFICE,
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "a14": "http://schemas.microsoft.com/office/drawing/2010/main",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
        "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
        "v": "urn:schemas-microsoft-com:vml",
        "o": "urn:schemas-microsoft-com:office:office",
    }.items()
)


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """A part of relationships: kind and target by id; addresses are external."""
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        + "".join(
            f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"'
            + (' TargetMode="External"' if "://" in target else "")
            + "/>"
            for name, (kind, target) in targets.items()
        )
        + "</Relationships>"
    )


def write_package(path: Path, parts: Mapping[str, str | bytes]) -> None:
    """A zip file of parts by name."""
    with ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr(name, content)


def write_word(
    path: Path,
    body: str,
    styles: str = "",
    numbering: str = "",
    targets: Mapping[str, tuple[str, str]] | None = None,
    **parts: str | bytes,
) -> None:
    """A Word file: the XML inside `w:body`, `w:styles` and `w:numbering`, relationships of the body, and other parts.

    Names of other parts have `__` for `/` and `_xml` for `.xml`, for example `word__header1_xml`.
    """
    names = {name.replace("__", "/").replace("_xml", ".xml"): content for name, content in parts.items()}
    write_package(
        path,
        {
            "_rels/.rels": relations({"d": ("officeDocument", "word/document.xml")}),
            "word/document.xml": f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(targets or {}),
            "word/styles.xml": f"<w:styles {NAMESPACES}>{styles}</w:styles>",
            "word/numbering.xml": f"<w:numbering {NAMESPACES}>{numbering}</w:numbering>",
            **names,
        },
    )


def paragraph(text: str, properties: str = "", run: str = "") -> str:
    """A paragraph with one run, and the XML inside its `w:pPr` and `w:rPr`."""
    return (
        f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"
    )


def style(name: str, content: str = "", based_on: str = "", kind: str = "paragraph", id: str = "") -> str:
    """A style; its id is its name without blanks unless one is given."""
    parent = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return (
        f'<w:style w:type="{kind}" w:styleId="{id or name.replace(" ", "")}"><w:name w:val="{name}"/>{parent}{content}'
        "</w:style>"
    )


def abstract_list(number: int, *levels: str, more: str = "") -> str:
    """An abstract list and the list with the same id; a level is the XML inside `w:lvl`."""
    inner = "".join(
        f'<w:lvl w:ilvl="{index}"><w:start w:val="1"/>{level}</w:lvl>' for index, level in enumerate(levels)
    )
    return f'<w:abstractNum w:abstractNumId="{number}">{more}{inner}</w:abstractNum>'


def level(text: str, format: str = "decimal", more: str = "") -> str:
    """What a level of a list writes: `%1` stands for its number."""
    return f'<w:numFmt w:val="{format}"/>{more}<w:lvlText w:val="{text}"/>'


def in_list(number: int, index: int = 0) -> str:
    """The properties of a paragraph of a list."""
    return f'<w:numPr><w:ilvl w:val="{index}"/><w:numId w:val="{number}"/></w:numPr>'


def table(*rows: str) -> str:
    """A Word table of `w:tr` contents."""
    return f"<w:tbl><w:tblPr/>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def cell(text: str, properties: str = "") -> str:
    """A cell with one paragraph."""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"
