"""The statements of a SQL task inside its kernel: `%%statement 2 of 3, line 12`, with the statement as its cell."""

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from localbundle.definitions.sql_file import read_statements
from localbundle.errors import BundleError
from localbundle.kernels.dbutils import DBUtils
from localbundle.kernels.output import SHOWN_ROWS, of_rows

_HEADER = re.compile(r"(\d+) of (\d+), line (\d+)")
_PLACE = re.compile(r"\bline (\d+),? pos")  # "(line 2, pos 6)", "line 2 pos 6", "(line 2, position 6)"
_END = re.compile(r"\.? SQLSTATE: |\n\nJVM stacktrace:|\n== SQL|; line \d+ pos \d+")


class StatementError(BundleError):
    """A statement failed: one line with the file, the line in it, the statement's number and Spark's reason."""


def sql_notebook(file: Path) -> NotebookNode:
    """A file of SQL statements as a notebook with a cell for each."""
    statements = read_statements(file)
    count = len(statements)
    cells = [
        nbformat.v4.new_code_cell(f"%%statement {number} of {count}, line {one.line}\n{one.text}")
        for number, one in enumerate(statements, 1)
    ]
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    return notebook


class Statements:
    """Runs the statements of one file in the kernel of its task."""

    def __init__(self, shell: Any, dbutils: DBUtils) -> None:  # noqa: ANN401 - IPython types its shell as optional
        self._shell, self._dbutils = shell, dbutils
        self._file = Path(dbutils.context.sql_file)
        self._read = read_statements(self._file)

    def register(self) -> None:
        """Makes `%%statement` known to the shell."""
        self._shell.register_magic_function(self._run, "cell", "statement")

    def _run(self, line: str, cell: str) -> None:
        """Runs a statement and shows its rows; those of the last one are the task's output."""
        match = _HEADER.fullmatch(line.strip())
        assert match is not None  # written by `sql_notebook`
        number, count, first = map(int, match.groups())
        statement = self._read[number - 1]
        try:
            values = self._dbutils.widgets.getAll()
            result = self._shell.user_ns["spark"].sql(statement.with_values(values), values)
            table = result.limit(SHOWN_ROWS + 1).toArrow() if result.columns else None
        except Exception as error:
            raise self._error(error, number, count, first) from error
        if table is not None:
            self._shell.user_ns["display"](table.slice(0, SHOWN_ROWS).to_pandas())
            if number == count:
                rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
                columns, is_complete = table.column_names, len(rows) <= SHOWN_ROWS
                self._dbutils.state.output = of_rows(columns, rows[:SHOWN_ROWS], is_complete=is_complete)
                self._dbutils.save()

    def _error(self, error: Exception, number: int, count: int, first: int) -> StatementError:
        """The statement's error, with the line of the file that Spark means."""
        text = str(error).strip()
        place = _PLACE.search(text)
        line = first + int(place[1]) - 1 if place else first
        reason = " ".join(_END.split(text, maxsplit=1)[0].split()) or type(error).__name__
        return StatementError(f"statement {number} of {count}: {reason}", str(self._file), line)
