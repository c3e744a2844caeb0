"""The result of a SQL task: the rows of its last statement, for its page, the terminal and later tasks."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from pydantic import BaseModel, ConfigDict

SHOWN_ROWS = 1000
"""The most rows of a result that are shown."""
LIMIT = 48 * 1024
"""The most bytes that are kept, as JSON: that of a task value."""


class Output(BaseModel):
    """Rows of a result.

    Attributes:
        columns: the names of the columns.
        rows: the rows, with a JSON value for each column.
        is_complete: whether these are all rows; what is too large is cut.
    """

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_complete: bool = True

    @property
    def records(self) -> list[dict[str, Any]]:
        """Each row as a mapping of column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def cell_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as it is shown: text as it is, other values as JSON, a missing one as SQL has it."""
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def of_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, is_complete: bool) -> Output:
    """An output of as many of the rows as may be kept."""
    kept: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        text = json.dumps([_plain(value) for value in row], default=str)
        size += len(text.encode())
        if size > LIMIT:
            return Output(columns=tuple(columns), rows=tuple(kept), is_complete=False)
        kept.append(tuple(json.loads(text)))
    return Output(columns=tuple(columns), rows=tuple(kept), is_complete=is_complete)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a column
    """A value as JSON has it; numbers that it cannot write exactly are text."""
    match value:
        case bytes():
            return value.hex()
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
    return value
