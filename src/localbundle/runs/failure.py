"""Why a notebook failed, as its kernel tells it and the runner shows it."""

from pydantic import BaseModel, ConfigDict

_MESSAGE_LINES = 12


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


def brief_message(failure: Failure) -> str:
    """An exception named UserError says it all in one line; of others the first lines, without Java's stack."""
    if failure.one_line:
        return failure.message.splitlines()[0]
    first, *rest = failure.message.split("\n\nJVM stacktrace:")[0].splitlines()
    kept = [first, *(line for line in rest if not line.lstrip().startswith("at "))]
    more = [f"... {len(kept) - _MESSAGE_LINES} more lines"] if len(kept) > _MESSAGE_LINES else []
    return "\n  ".join([f"{failure.exception}: {first}", *kept[1:_MESSAGE_LINES], *more])
