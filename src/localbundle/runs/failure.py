"""Why a notebook failed, as its kernel tells it and the runner shows it."""

from pydantic import BaseModel, ConfigDict


class Failure(BaseModel):
    """`cell` counts executed code cells from 1; `line` is the line of the notebook that raised.

    `one_line` marks exceptions named UserError or BundleError: their message says it all.
    """

    model_config = ConfigDict(frozen=True)

    exception: str
    message: str
    cell: int
    line_number: int
    line: str
    one_line: bool
