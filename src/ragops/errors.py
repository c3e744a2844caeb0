"""Errors a user can mend. Anything else that is raised is a defect and keeps its stack trace."""

from collections.abc import Sequence
from typing import Any

_PROSE = {"too_short": "give at least {min_length}", "too_long": "give at most {max_length}"}
"""By type of error, where pydantic's own words name Python's types."""


class UserError(Exception):
    """One line that names the thing, the reason and the mend; shown without a stack trace."""


class RequestError(UserError):
    """What was asked is wrong, not the place where it was asked: only whoever asked can mend it."""


def explain(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors as one line that names the field, what stands there, and the reason."""
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole"
    given = first.get("input")
    shown = f" is {given!r}:" if isinstance(given, str | int | float | bool) else ":"
    return f"{field}{shown} {_reason(first)}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")


def _reason(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    if prose := _PROSE.get(error["type"]):
        return prose.format(**error["ctx"])
    return str(error["msg"]).replace("Value error, ", "")
