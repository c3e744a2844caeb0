"""Why a notebook failed, as its kernel tells it and the runner shows it."""

import shutil

from pydantic import BaseModel, ConfigDict

_FIRST_LINES = 10
_LAST_LINES = 2  # of a stack in Python, as Spark's workers send it, the last lines name the error


class Failure(BaseModel):
    """`cell` counts executed code cells from 1; `line` is the line of the notebook, or of `file`, that raised.

    `one_line` marks exceptions named UserError or BundleError: their message says it all.
    """

    model_config = ConfigDict(frozen=True)

    exception: str
    message: str
    cell: int
    line_number: int
    line: str
    file: str = ""
    one_line: bool


def message_of(error: BaseException) -> str:
    """What an exception says. That of a folder's copy is a list with all that went wrong: its first stands for it."""
    match error:
        case shutil.Error(args=([(_, _, first), *more], *_)):
            return f"{first} (and {len(more)} more)" if more else str(first)
    return str(error).strip() or type(error).__name__


def brief_message(failure: Failure) -> str:
    """An exception named UserError says it all in one line; others are shortened, and lose Java's stack."""
    if failure.one_line:
        return failure.message.splitlines()[0]
    first, *rest = failure.message.split("\n\nJVM stacktrace:")[0].splitlines()
    kept = [first, *(line for line in rest if not line.lstrip().startswith("at "))]
    left_out = len(kept) - _FIRST_LINES - _LAST_LINES
    if left_out > 0:
        kept[_FIRST_LINES:-_LAST_LINES] = [f"... {left_out} more line{'s' * (left_out > 1)}"]
    return "\n  ".join([f"{failure.exception}: {first}", *kept[1:]])
