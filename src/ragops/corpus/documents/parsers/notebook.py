"""Jupyter notebooks: text, code, and what the code printed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.code import fenced
from ragops.corpus.documents.parsers.html import markdown_of
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.types import Extract, Unparsable

_MAGIC = re.compile(r"\s*%(md(?:-sandbox)?|sql|python|scala|r|sh)\b[ \t]*\n?")


def parse_notebook(path: Path, limits: ParseLimits) -> Extract:
    """Cells in order. Pictures that cells show are left out, and so are errors.

    Raises:
        Unparsable: it is not a notebook.
    """
    try:
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]  # format 3
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Unparsable("corrupt: not a Jupyter notebook", type(error).__name__) from error
    about = notebook.get("metadata", {})
    language = about.get("language_info", {}).get("name") or about.get("kernelspec", {}).get("language") or ""
    parts: list[str] = []
    warnings: list[str] = []
    for number, cell in enumerate(cells, 1):
        text = _joined(cell.get("source", cell.get("input", "")))
        parts.append(_source(cell, text, language))
        for output in cell.get("outputs", []):
            parts.append(_shown(output))
            warnings += [f"cell {number}: a picture" for _ in _pictures(output)]
    return Extract("\n\n".join(part for part in parts if part.strip()), warnings=tuple(warnings))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _source(cell: dict[str, Any], text: str, language: str) -> str:
    """A cell's text: Markdown, or code in the language that its first line names, as on Databricks."""
    kind = cell.get("cell_type")
    if kind == "heading":  # format 3
        return f"{'#' * min(int(cell.get('level', 1)), 6)} {text}"
    if kind in ("markdown", "raw"):
        return text
    magic = _MAGIC.match(text)
    if magic and magic[1].startswith("md"):
        return text[magic.end() :].strip("\n")
    return fenced(text[magic.end() :], magic[1]) if magic else fenced(text, language)


def _shown(output: dict[str, Any]) -> str:
    """What an output shows, in the richest form that is text; errors and captions of pictures are left out."""
    if output.get("output_type") in ("error", "pyerr") or any(True for _ in _pictures(output)):
        return ""  # "<Figure size 640x480 with 1 Axes>"
    data = output.get("data", {})
    for kind in ("text/markdown", "text/latex"):
        if kind in data:
            return _joined(data[kind])
    if "text/html" in data:
        return markdown_of(parse_page(_joined(data["text/html"]))).strip()
    shown = output.get("text") or data.get("text/plain") or ""
    if not shown and "application/json" in data:
        shown = json.dumps(data["application/json"], ensure_ascii=False, indent=1)
    return fenced(_joined(shown))


def _pictures(output: dict[str, Any]) -> Iterator[str]:
    return (kind for kind in output.get("data", {}) if kind.startswith("image/"))
