"""Rule on files of volumes: what a task's code opens there for appending, or to change a part of it, fails."""

import ast
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from localbundle.definitions.yamlfile import Text
from localbundle.lint.files import task_files
from localbundle.lint.rule import JobContext, Said

_ROOT = "/Volumes"
_CELL_BORDER = re.compile(r"# COMMAND -+")
_MAGIC = re.compile(r"^(\s*)[%!].*", re.MULTILINE)
_UNFIT_MODE = re.compile(r"a[bt+]*|r[bt]*\+[bt]*")
# Of these the second argument is a mode, and what it is if not given; of any other function the one called `mode`.
_OPENERS = {
    "open": "r",
    "ZipFile": "r",
    "File": "r",
    "FileHandler": "a",
    "RotatingFileHandler": "a",
    "WatchedFileHandler": "a",
}
_FILE_WORDS = ("file", "filename", "name", "path_or_buf", "excel_writer")
_MEND = "write whole files, or make the file on local disk and copy it with shutil.copyfile"
_REWRITTEN = (
    "whose start is written last, which a volume refuses; make it on local disk and copy it with shutil.copyfile"
)


def append_on_volume(job: JobContext) -> Said:
    """A path under /Volumes that is opened for appending or for changes in place."""
    for _, _, _, file in task_files(job):
        for number, what in _openings(file) if file and file.suffix in (".py", ".ipynb") else ():
            yield Text("", file, number), what


def _openings(file: Path) -> Iterator[tuple[int, str]]:
    """Line of each such call, and what is wrong with it."""
    text = file.read_text("utf-8", errors="replace")
    reader = _Reader()
    for numbers, lines in _cells(text) if file.suffix == ".ipynb" else _parts(text):
        reader.found.clear()
        reader.visit(_tree("\n".join(lines)))
        yield from ((numbers[line - 1], what) for line, what in reader.found)


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


def _fault(name: str, mode: str) -> str:
    """What is wrong with a call of this name that opens a file with this mode; nothing if that is empty."""
    if name in ("to_excel", "ExcelWriter"):
        return f"written as a workbook, {_REWRITTEN}"
    if _UNFIT_MODE.fullmatch(mode):
        return f'opened with mode "{mode}", which a volume refuses; {_MEND}'
    return f"written as a zip file, {_REWRITTEN}" if name == "ZipFile" and mode in ("w", "x") else ""


class _Reader(ast.NodeVisitor):
    """Goes through a file's cells in their order; a name stands for what was last assigned to it."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self._paths: dict[str, str] = {}

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: N802 - ast's name
        self.generic_visit(node)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: N802 - ast's name
        self.generic_visit(node)
        if node.value:
            self._assign(node.target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._paths.pop(target.id, None)
            if path := self._path(value):
                self._paths[target.id] = path

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802 - ast's name
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = {word.arg: word.value for word in node.keywords if word.arg}
        files = [*node.args[:1], *(words[word] for word in _FILE_WORDS if word in words)]
        path, modes = (self._path(files[0]) if files else None), node.args[1:2]
        if path is None and name == "open" and isinstance(node.func, ast.Attribute):
            path, modes = self._path(node.func.value), node.args[:1]
        mode = words.get("mode") or next(iter(modes if name in _OPENERS else ()), None)
        mode = mode or ast.Constant(_OPENERS.get(name, ""))
        if path and (what := _fault(name, str(mode.value) if isinstance(mode, ast.Constant) else "")):
            self.found.append((node.lineno, f"{path} is {what}"))

    def _path(self, node: ast.expr) -> str | None:
        """How a path under /Volumes is written; None for what may be anything else."""
        match node:
            case ast.Constant(value=str(text)) if text == _ROOT or text.startswith(f"{_ROOT}/"):
                return ast.unparse(node)
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.startswith(f"{_ROOT}/"):
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
