"""JSON, JSON lines and XML: records as lists of their fields, and lists of equal records as tables."""

import json
import re
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path

from lxml import etree

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.code import fenced
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.parsers.tables import markdown_table
from ragops.corpus.documents.types import Extract, Unparsable

_DEEPEST = 50
_FEWEST_ROWS = 2
_NAMED = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]\w*;")
_PART_OF_PAGE = re.compile(r"</(?:p|div|a|li|b|i|strong|em|span|h[1-6])>|<br\s*/?>", re.IGNORECASE)


def parse_json(path: Path, limits: ParseLimits) -> Extract:
    """Nested lists of fields; a list of records with the same simple fields is a table.

    Text that is not JSON, such as settings with comments, is read as JSON lines or as code, with a warning.

    Raises:
        Unparsable: it is not text.
    """
    decoded = decode(path.read_bytes())
    try:
        value = _value(decoded.text)
    except json.JSONDecodeError as error:
        if _is_json(decoded.text.partition("\n")[0]):
            return parse_json_lines(path, limits)
        warnings = (*decoded.warnings, f"not JSON, read as text ({error.msg}, line {error.lineno})")
        return Extract(fenced(decoded.text, "json"), warnings=warnings)
    return Extract("\n".join(_lines(value, 0)), warnings=decoded.warnings)


def parse_json_lines(path: Path, limits: ParseLimits) -> Extract:
    """A record for each line; a line that is not JSON is left out.

    Raises:
        Unparsable: no line is JSON.
    """
    decoded = decode(path.read_bytes())
    records: list[object] = []
    warnings: list[str] = []
    for number, line in enumerate(decoded.text.split("\n"), 1):
        try:
            records += [_value(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            warnings.append(f"line {number}: not JSON ({error.msg})")
    if warnings and not records:
        raise Unparsable("corrupt: no line is JSON", json.JSONDecodeError.__name__)
    return Extract("\n".join(_lines(records, 0)), warnings=(*decoded.warnings, *warnings))


def _value(text: str) -> object:
    """The value of JSON with its numbers as they are written: 7.30 is a price."""
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _lines(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise RecursionError
    indent = "  " * depth
    if isinstance(value, dict):
        for name, inside in value.items():
            if isinstance(inside, dict | list) and inside:
                yield f"{indent}- {_text(name)}:"
                yield from _lines(inside, depth + 1)
            else:
                yield f"{indent}- {_text(name)}: {_text(inside)}"
    elif isinstance(value, list) and depth == 0 and (names := _columns(value)):
        yield markdown_table([names, *([_text(record.get(name)) for name in names] for record in value)])
    elif isinstance(value, list):
        for number, inside in enumerate(value, 1):
            if isinstance(inside, dict | list):
                yield from ["", *_lines(inside, depth)] if depth == 0 else [f"{indent}- {number}:"]
                yield from _lines(inside, depth + 1) if depth else ()
            else:
                yield f"{indent}- {_text(inside)}"
    else:
        yield _text(value)


def _columns(records: Sequence[object]) -> list[str]:
    """Names of the fields of records that all have the same simple ones; none for others."""
    found = [record for record in records if isinstance(record, dict)]
    if len(found) < len(records) or len(found) < _FEWEST_ROWS:
        return []
    names = list(dict.fromkeys(name for record in found for name in record))
    simple = not any(isinstance(value, dict | list) for record in found for value in record.values())
    filled = sum(len(record) for record in found)
    return names if simple and names and 2 * filled > len(names) * len(found) else []


def _text(value: object) -> str:
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split())


def parse_xml(path: Path, limits: ParseLimits) -> Extract:
    """Text of the elements: mixed text as paragraphs, other elements and attributes as fields with their names.

    Raises:
        lxml.etree.XMLSyntaxError: it is not XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    data = path.read_bytes()
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:  # names such as &eacute; of a document type that is not available
        if not _NAMED.search(data):
            raise
        root = etree.fromstring(_NAMED.sub(_by_number, data), parser)
    return Extract("\n".join(_elements(root, 0)))


def _without_tags(text: str) -> str:
    """The text of a page's part that stands in an element as text, as in feeds."""
    return parse_page(text).get_text(" ") if _PART_OF_PAGE.search(text) else text


def _by_number(found: re.Match[bytes]) -> bytes:
    text = unescape(found[0].decode())
    return "".join(f"&#{ord(character)};" for character in text).encode() if text != found[0].decode() else found[0]


def _elements(element: etree._Element, depth: int) -> Iterator[str]:
    if not isinstance(element.tag, str):
        return
    if depth > _DEEPEST:
        raise RecursionError
    name, indent = etree.QName(element).localname, "  " * depth
    fields = [f"{etree.QName(key).localname} {value}" for key, value in element.attrib.items()]
    label = f"{name} ({', '.join(fields)})" if fields else name
    children = [child for child in element if isinstance(child.tag, str)]
    mixed = any((child.tail or "").strip() for child in children)
    if mixed or not children:
        text = _text(_without_tags("".join(element.itertext())))
        if text or fields:
            yield f"{indent}- {label}: {text}"
        return
    yield f"{indent}- {label}: {_text(element.text or '')}".rstrip()
    for child in children:
        yield from _elements(child, depth + 1)
