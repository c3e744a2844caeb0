"""A task's code as a notebook: .ipynb, .py in Databricks' source format, or a call of a Python program."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from localbundle.errors import BundleError

_SOURCE_HEADER = "# Databricks notebook source"
_CELL_BORDER = re.compile(r"^# COMMAND -+$", re.MULTILINE)


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from .ipynb, or from .py in Databricks' source format.

    Raises:
        BundleError: the file is not a notebook.
    """
    if path.suffix == ".ipynb":
        try:
            notebook: NotebookNode = nbformat.read(path, as_version=4)
            return notebook
        except Exception as error:
            raise BundleError(f"{path} is not a readable notebook ({error}); open and save it in Jupyter") from error
    text = path.read_text("utf-8")
    if not text.startswith(_SOURCE_HEADER):
        raise BundleError(f"{path} is not a notebook; its first line must be `{_SOURCE_HEADER}`")
    cells = [_source_cell(part.strip()) for part in _CELL_BORDER.split(text.removeprefix(_SOURCE_HEADER))]
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    return made


def _source_cell(source: str) -> NotebookNode:
    code = re.sub(r"^# MAGIC ?", "", source, flags=re.MULTILINE)
    is_text = code != source and code.startswith("%md")
    if is_text:
        cell: NotebookNode = nbformat.v4.new_markdown_cell(code.removeprefix("%md").strip())
    else:
        cell = nbformat.v4.new_code_cell(code)
    return cell


def program_notebook(call: str) -> NotebookNode:
    """A notebook that calls a function of `localbundle.kernels.programs`, which saves its output like a notebook's."""
    cell = nbformat.v4.new_code_cell(f"from localbundle.kernels import programs\n\nprograms.{call}")
    made: NotebookNode = nbformat.v4.new_notebook(cells=[cell])
    return made
