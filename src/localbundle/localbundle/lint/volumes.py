"""Rule on files of volumes: code that opens one for appending, or to change a part of it, fails on Databricks."""

import ast
import contextlib
import re

from localbundle.definitions.yamlfile import Text
from localbundle.lint.code import read_cells, task_files
from localbundle.lint.rule import JobContext, Messages

_ROOT = "/Volumes"
_MAGIC = re.compile(r"^(\s*)[%!].*", re.MULTILINE)
_REFUSED_MODE = re.compile(r"a[bt+]*|r[bt]*\+[bt]*")
# Functions whose second argument is a mode, with its default; other functions have it as a keyword, `mode`.
_OPENERS = {
    "open": "r",
    "ZipFile": "r",
    "File": "r",
    "FileHandler": "a",
    "RotatingFileHandler": "a",
    "WatchedFileHandler": "a",
}
_FILE_WORDS = ("file", "filename", "name", "path_or_buf", "excel_writer")
_FIX = "write whole files, or make the file on local disk and copy it with shutil.copyfile"
_REWRITTEN = (
    "whose start is written last, which a volume refuses; make it on local disk and copy it with shutil.copyfile"
)


def append_on_volume(job: JobContext) -> Messages:
    """A path under /Volumes that is opened for appending or for changes in place."""
    for _, file in task_files(job):
        reader = _Reader()
        for cell in read_cells(file):
            reader.found.clear()
            reader.visit(_tree("\n".join(line for _, line in cell)))
            for line, message in reader.found:
                yield Text("", file, cell[line - 1][0]), message


def _tree(source: str) -> ast.Module:
    """A cell's code without magics and shell lines; empty for anything but Python, such as SQL."""
    for code in (source, _MAGIC.sub(r"\1pass", source)):
        with contextlib.suppress(SyntaxError, ValueError):
            return ast.parse(code)
    return ast.Module([], [])


def _fault(name: str, mode: str) -> str:
    """What is wrong with a call of this name that opens a file with this mode; empty if nothing is."""
    if name in ("to_excel", "ExcelWriter"):
        return f"written as a workbook, {_REWRITTEN}"
    if _REFUSED_MODE.fullmatch(mode):
        return f'opened with mode "{mode}", which a volume refuses; {_FIX}'
    return f"written as a zip file, {_REWRITTEN}" if name == "ZipFile" and mode in ("w", "x") else ""


class _Reader(ast.NodeVisitor):
    """Reads a file's cells in order; a name has the value last assigned to it."""

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
        if path and (fault := _fault(name, str(mode.value) if isinstance(mode, ast.Constant) else "")):
            self.found.append((node.lineno, f"{path} is {fault}"))

    def _path(self, node: ast.expr) -> str | None:
        """The source of an expression that is a path under /Volumes; None for any other expression."""
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
