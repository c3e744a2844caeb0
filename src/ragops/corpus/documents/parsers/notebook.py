"""Jupyter notebooks: text, code, and what the code printed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.code import fenced
from ragops.corpus.documents.types import Extract, Unparsable


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
        parts.append(text if cell.get("cell_type") in ("markdown", "raw", "heading") else fenced(text, language))
        for output in cell.get("outputs", []):
            parts.append(fenced(_printed(output)))
            warnings += [f"cell {number}: a picture" for _ in _pictures(output)]
    return Extract("\n\n".join(part for part in parts if part.strip()), warnings=tuple(warnings))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _printed(output: dict[str, Any]) -> str:
    if output.get("output_type") in ("error", "pyerr"):
        return ""
    shown = output.get("text") or output.get("data", {}).get("text/plain") or ""
    return "" if any(True for _ in _pictures(output)) else _joined(shown)  # "<Figure size 640x480 with 1 Axes>"


def _pictures(output: dict[str, Any]) -> Iterator[str]:
    return (kind for kind in output.get("data", {}) if kind.startswith("image/"))
