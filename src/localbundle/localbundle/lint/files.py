"""Rules on the files that tasks run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from localbundle.definitions.jobs import FILE_FIELDS, source_file
from localbundle.definitions.yamlfile import Text
from localbundle.lint.rule import JobContext, Said

_REFERENCE = re.compile(r"\$\{(?:var|bundle|workspace|resources)\.[^}]*\}?|\{\{\s*(?:job|tasks)\.[^}]*(?:\}\})?")
_CELL_BORDER = re.compile(r"# (?:Databricks notebook source|COMMAND -+)")


def missing_file(job: JobContext) -> Said:
    """A notebook or a Python file that is not there."""
    for task, kind, written, file in task_files(job):
        if file is None:
            what = "notebook" if kind == "notebook_task" else "file"
            yield written, f"task {task}: {what} {written} does not exist; create it or correct {FILE_FIELDS[kind]}"


def reference_in_notebook(job: JobContext) -> Said:
    """A reference in code: only definitions are resolved, a notebook gets what it needs as parameters."""
    for _, kind, _, file in task_files(job):
        for number, line in _code(file) if file and kind == "notebook_task" else ():
            for match in _REFERENCE.finditer(line):
                yield (
                    Text("", file, number),
                    f"{match[0]} is not resolved in a notebook; pass it as a parameter and read that with "
                    "dbutils.widgets.get",
                )


def task_files(job: JobContext) -> Iterator[tuple[str, str, str, Path | None]]:
    """Of each task that runs a file of the bundle: its key, its kind, what is written, and the file if it exists."""
    for step in job.steps:
        for kind, field in FILE_FIELDS.items():
            work = step.work(kind)
            written = work.get(field)
            if isinstance(written, str) and work.get("source") != "GIT":
                yield step.key, kind, written, source_file(job.bundle.root, written, kind)


def _code(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a notebook's code with their numbers in the file; comments are left out."""
    text = file.read_text("utf-8", errors="replace")
    for number, line in _cells(text) if file.suffix == ".ipynb" else _source(text):
        if not line.lstrip().startswith("#"):
            yield number, line


def _cells(text: str) -> Iterator[tuple[int, str]]:
    try:
        sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return  # no notebook: whoever runs it says so
    written = text.splitlines()
    for line in "\n".join(sources).splitlines():
        if _REFERENCE.search(line):
            as_json = json.dumps(line, ensure_ascii=False)[1:-1]
            yield next((number for number, whole in enumerate(written, 1) if as_json in whole), 1), line


def _source(text: str) -> Iterator[tuple[int, str]]:
    is_first, is_text = True, False
    for number, line in enumerate(text.splitlines(), 1):
        if _CELL_BORDER.fullmatch(line):
            is_first = True
        elif line.strip() and is_first:
            is_first, is_text = False, line.startswith("# MAGIC %md")
        if not is_text:
            yield number, line.removeprefix("# MAGIC ")
