"""The code that tasks run, with line numbers: notebooks cell by cell, Python files as one part."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from localbundle.definitions.read_job import FILE_FIELDS, source_file
from localbundle.lint.rule import JobContext

Lines = list[tuple[int, str]]
_CELL_BORDER = re.compile(r"# COMMAND -+")
_HEADER = "# Databricks notebook source"


def task_files(job: JobContext) -> Iterator[tuple[str, Path]]:
    """The kind and the file of each task that runs a file of the bundle, if it exists."""
    for step in job.steps:
        for kind, field in FILE_FIELDS.items():
            work = step.work(kind)
            written = work.get(field)
            if isinstance(written, str) and work.get("source") != "GIT":
                file = source_file(job.bundle.root, written, kind)
                if file and file.suffix in (".py", ".ipynb"):
                    yield kind, file


def read_cells(file: Path) -> Iterator[Lines]:
    """Each code cell as lines with their numbers in the file, from 1; a Python file is one cell."""
    yield from _cells(file.read_text("utf-8", errors="replace"), file.suffix)


@cache
def _cells(text: str, suffix: str) -> tuple[Lines, ...]:
    """Read once for all rules and all tasks that run the file."""
    return tuple(_notebook_cells(text) if suffix == ".ipynb" else _source_cells(text))


def _notebook_cells(text: str) -> Iterator[Lines]:
    try:
        cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return  # not a notebook: the run reports it
    written, last = text.splitlines(), 0
    for cell in cells:
        lines: Lines = []
        for line in cell.splitlines():
            as_json = json.dumps(line, ensure_ascii=False)[1:-1]
            last = next((n for n in range(last, len(written)) if line.strip() and as_json in written[n]), last)
            lines.append((last + 1, line))
        yield lines


def _source_cells(text: str) -> Iterator[Lines]:
    """Without the cells that are text (`%md`)."""
    lines = text.splitlines()
    borders = [-1, *(index for index, line in enumerate(lines) if _CELL_BORDER.fullmatch(line)), len(lines)]
    for start, end in zip(borders, borders[1:], strict=False):
        numbered = list(enumerate(lines[start + 1 : end], start + 2))
        first = next((line for _, line in numbered if line.strip() and line != _HEADER), "")
        if not first.startswith("# MAGIC %md"):
            yield numbered
