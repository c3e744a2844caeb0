"""Rule on files of volumes: what a task's code opens there for appending, or to change a part of it, fails."""

import ast
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from localbundle.definitions.yamlfile import Text
from localbundle.lint.context import JobContext, Said
from localbundle.lint.files import task_files

_ROOT = "/Volumes/"
_CELL_BORDER = re.compile(r"# COMMAND -+")
_MAGIC = re.compile(r"^(\s*)[%!].*", re.MULTILINE)
_UNFIT_MODE = re.compile(r"a[bt+]*|r[bt]*\+[bt]*")
# Of these the second argument is a mode; of any other function the one called `mode`.
_OPENERS = ("open", "ZipFile", "File")


def append_on_volume(job: JobContext) -> Said:
    """A path under /Volumes that is opened for appending or for changes in place."""
    for _, _, _, file in task_files(job):
        for number, path, mode in _openings(file) if file and file.suffix in (".py", ".ipynb") else ():
            yield (
                Text("", file, number),
                f'{path} is opened with mode "{mode}", which a volume refuses; write whole files, or make the file on '
                "local disk and copy it with shutil.copyfile",
            )


def _openings(file: Path) -> Iterator[tuple[int, str, str]]:
    """Line, path and mode of each such call."""
    text = file.read_text("utf-8", errors="replace")
    reader = _Reader()
    for numbers, lines in _cells(text) if file.suffix == ".ipynb" else _parts(text):
        reader.found.clear()
        reader.visit(_tree("\n".join(lines)))
        yield from ((numbers[line - 1], path, mode) for line, path, mode in reader.found)


def _tree(source: str) -> ast.Module:
    """A cell's code without magics and lines for a shell; nothing of what is no Python, such as SQL."""
    for code in (source, _MAGIC.sub(r"\1pass", source)):
        with contextlib.suppress(SyntaxError, ValueError):
            return ast.parse(code)
    return ast.Module([], [])


def _cells(text: str) -> Iterator[tuple[list[int], list[str]]]:
    """Each code cell's lines, with their numbers in the file."""
    try:
        cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return  # no notebook: whoever runs it says so
    written, last = text.splitlines(), 0
    for cell in cells:
        lines, numbers = cell.splitlines(), []
        for line in lines:
            as_json = json.dumps(line, ensure_ascii=False)[1:-1]
            last = next((n for n in range(last, len(written)) if line.strip() and as_json in written[n]), last)
            numbers.append(last + 1)
        yield numbers, lines


def _parts(text: str) -> Iterator[tuple[list[int], list[str]]]:
    """A Python file's parts: the cells if it is a notebook, else the whole."""
    lines = text.splitlines()
    borders = [-1, *(index for index, line in enumerate(lines) if _CELL_BORDER.fullmatch(line)), len(lines)]
    for start, end in zip(borders, borders[1:], strict=False):
        yield list(range(start + 2, end + 1)), lines[start + 1 : end]


class _Reader(ast.NodeVisitor):
    """Goes through a file's cells in their order; a name stands for what was last assigned to it."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._paths: dict[str, str] = {}

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: N802 - ast's name
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._paths.pop(target.id, None)
                if path := self._path(node.value):
                    self._paths[target.id] = path

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802 - ast's name
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        path, modes = (self._path(node.args[0]) if node.args else None), node.args[1:2]
        if path is None and name == "open" and isinstance(node.func, ast.Attribute):
            path, modes = self._path(node.func.value), node.args[:1]
        modes = [*(modes if name in _OPENERS else []), *(word.value for word in node.keywords if word.arg == "mode")]
        for mode in modes:
            if path and isinstance(mode, ast.Constant) and _UNFIT_MODE.fullmatch(str(mode.value)):
                self.found.append((node.lineno, path, str(mode.value)))

    def _path(self, node: ast.expr) -> str | None:
        """How a path under /Volumes is written; None for what may be anything else."""
        match node:
            case ast.Constant(value=str(text)) if text.startswith(_ROOT):
                return ast.unparse(node)
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.startswith(_ROOT):
                return ast.unparse(node)
            case ast.JoinedStr(values=[ast.FormattedValue(value=first), *_]):
                return ast.unparse(node) if self._path(first) else None
            case ast.Name(id=name) if name in self._paths:
                return name
            case ast.BinOp(left=left, op=ast.Add() | ast.Div()):
                return ast.unparse(node) if self._path(left) else None
            case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path" | "join"), args=[first, *_]):
                return ast.unparse(node) if self._path(first) else None
        return None
