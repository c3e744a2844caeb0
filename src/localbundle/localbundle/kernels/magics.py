"""The magics of Databricks' notebooks: cells in another language, `%run` with arguments, and those that are refused."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localbundle.errors import BundleError
from localbundle.kernels.dbutils import DBUtils

_LANGUAGE = re.compile(r"\s*%(sql|sh|python|md|scala|r)(?![\w.])[ \t]*(-e\b)?[ \t]*")
_CELL_MAGICS = {
    "sql": "%%sql",
    # Databricks runs the lines in bash, and ignores how they end unless the cell begins with %sh -e.
    "sh": "%%bash --no-raise-error",
    "sh -e": "%%bash",
    "md": "%%markdown",
    "python": "",
    "scala": "%%scala",
    "r": "%%r",
}
_ARGUMENT = re.compile(r"""\s+\$(\w+)\s*=\s*("[^"]*"|'[^']*'|\S*)""")


def language_cell(lines: list[str]) -> list[str]:
    """Makes a cell that begins with a language a cell of that language, as Databricks does; others stay as they are.

    Args:
        lines: of the cell, with their ends, as IPython gives them.
    """
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    found = _LANGUAGE.match(lines[first]) if first is not None else None
    if first is None or not found:
        return lines
    magic = _CELL_MAGICS[" ".join(filter(None, found.groups()))]
    rest = lines[first][found.end() :]
    body = [rest, *lines[first + 1 :]] if rest.strip() else lines[first + 1 :]
    return [f"{magic}\n", *body] if magic else body


class Magics:
    """The magics of one kernel."""

    def __init__(self, shell: Any, dbutils: DBUtils) -> None:  # noqa: ANN401 - IPython types its shell as optional
        self._shell = shell
        self._dbutils = dbutils
        self._folders = [Path(dbutils.context.folder)]

    def register(self) -> None:
        """Makes them known to the shell."""
        for name, kind in {"sql": "line_cell", "run": "line", "fs": "line", "scala": "cell", "r": "cell"}.items():
            self._shell.register_magic_function(getattr(self, f"_{name}"), kind, name)
        transformers = self._shell.input_transformers_cleanup
        if language_cell not in transformers:
            transformers.insert(0, language_cell)

    def _sql(self, line: str, cell: str | None = None) -> None:
        """`%sql SELECT ...`: shows the result, and keeps it as the DataFrame `_sqldf`."""
        names = self._shell.user_ns
        names["_sqldf"] = names["spark"].sql(cell or line)
        names["display"](names["_sqldf"])

    def _run(self, line: str) -> None:
        """`%run ./other $name="value"`: runs another notebook's cells in this one, with arguments for its widgets."""
        from localbundle.kernels.notebook_source import read_notebook  # 0.07 s that most kernels do not need

        written, arguments = parse_run(line)
        found = self._notebook(written)
        for name, value in arguments.items():
            self._dbutils.widgets.set_argument(name, value)
        with self._in_folder(found.parent):
            for cell in read_notebook(found).cells:
                if cell.cell_type == "code":
                    self._shell.run_cell(cell.source).raise_error()

    def _notebook(self, written: str) -> Path:
        """A path is relative to the notebook that names it, also in one that another notebook runs."""
        path = self._folders[-1] / written
        for name in (path, path.with_name(f"{path.name}.ipynb"), path.with_name(f"{path.name}.py")):
            if name.is_file():
                return name
        raise BundleError(f"%run {written}: no such notebook in {self._folders[-1]}; correct its path")

    @contextmanager
    def _in_folder(self, folder: Path) -> Iterator[None]:
        self._folders.append(folder)
        try:
            yield
        finally:
            self._folders.pop()

    def _fs(self, line: str) -> None:
        """`%fs ls /Volumes/...`: a function of `dbutils.fs` with its arguments as words."""
        function, *words = shlex.split(line) or [""]
        called = getattr(self._dbutils.fs, function, None) if function[:1].isalpha() else None
        if called is None:
            raise BundleError(f"%fs {line}: give a function of dbutils.fs: ls, head, mkdirs, cp, mv or rm")
        recurse = "-r" in words
        arguments = [word for word in words if word != "-r"]
        found = called(*arguments, **({"recurse": True} if recurse else {}))
        self._shell.user_ns["display"](found)

    def _scala(self, line: str, cell: str) -> None:
        """Refused."""
        raise BundleError("%scala: cells in Scala do not run here; write them in Python or SQL")

    def _r(self, line: str, cell: str) -> None:
        """Refused."""
        raise BundleError("%r: cells in R do not run here; write them in Python or SQL")


def parse_run(line: str) -> tuple[str, dict[str, str]]:
    """The path and the arguments of a `%run`, for example of: ./callee $colour="green" $size=3."""
    path = line.split(" $", 1)[0].strip().strip("\"'")
    arguments = {name: value.strip("\"'") for name, value in _ARGUMENT.findall(line[line.find(" $") :])}
    return path, arguments if " $" in line else {}
