"""Why a notebook or a program failed: described in its kernel, shown by the runner."""

import linecache
import shutil
import sysconfig
import traceback
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from localbundle.errors import BundleError

_ONE_LINE_ERRORS = ("UserError", "BundleError")
_FIRST_LINES = 10
_LAST_LINES = 2  # in a Python stack, as Spark's workers send it, the last lines name the error


class Failure(BaseModel):
    """An exception and where it was raised.

    Attributes:
        exception: the name of its class.
        message: its text.
        cell: the executed code cell, from 1.
        line_number: the line in the cell, or in `file`; 0 if unknown.
        line: the source of that line.
        file: the Python file that raised it; empty for a cell.
        one_line: whether the message alone is shown, as for exceptions named UserError or BundleError.
    """

    model_config = ConfigDict(frozen=True)

    exception: str
    message: str
    cell: int
    line_number: int
    line: str
    file: str = ""
    one_line: bool


def describe_cell(error: BaseException, cell: int, names: Collection[str]) -> Failure:
    """The failure of a cell, with the last line of the notebook's own code in its trace.

    Args:
        error: the exception.
        cell: the number of the cell, from 1.
        names: the file names that the notebook's cells are compiled under.
    """
    return _failure(
        error, cell, [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
    )


def describe_program(error: BaseException, cell: int) -> Failure:
    """The failure of a Python file or an entry point, with the last line of its trace outside of libraries."""
    libraries = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(__file__).parents[1]), "<")
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(libraries)]
    failure = _failure(error, cell, own[1:])  # the first is the cell that calls the program
    return failure.model_copy(update={"file": own[-1].filename if own[1:] else ""})


def describe_statement(error: BundleError, cell: int) -> Failure:
    """The failure of a SQL statement, with the line of its file."""
    place = f"{Path(error.file).name}:{error.line}"
    return Failure(
        exception=type(error).__name__,
        message=f"{place}: {error.message}",
        cell=cell,
        line_number=error.line,
        line=linecache.getline(error.file, error.line).strip(),
        file=error.file,
        one_line=True,
    )


def _failure(error: BaseException, cell: int, frames: list[traceback.FrameSummary]) -> Failure:
    number = frames[-1].lineno or 0 if frames else 0
    return Failure(
        exception=type(error).__name__,
        message=_message(error),
        cell=cell,
        line_number=number,
        line=linecache.getline(frames[-1].filename, number).strip() if frames else "",
        one_line=any(kind.__name__ in _ONE_LINE_ERRORS for kind in type(error).__mro__),
    )


def _message(error: BaseException) -> str:
    """The exception's text. The error of copying a folder is a list of all errors: the first one and their count."""
    match error:
        case shutil.Error(args=([(_, _, first), *more], *_)):
            return f"{first} (and {len(more)} more)" if more else str(first)
    return str(error).strip() or type(error).__name__


def brief_message(failure: Failure) -> str:
    """The first line of an exception named UserError; others are shortened and lose Java's stack."""
    if failure.one_line:
        return failure.message.splitlines()[0]
    first, *rest = failure.message.split("\n\nJVM stacktrace:")[0].splitlines()
    kept = [first, *(line for line in rest if not line.lstrip().startswith("at "))]
    omitted = len(kept) - _FIRST_LINES - _LAST_LINES
    if omitted > 0:
        kept[_FIRST_LINES:-_LAST_LINES] = [f"... {omitted} more line{'s' * (omitted > 1)}"]
    return "\n  ".join([f"{failure.exception}: {first}", *kept[1:]])
