"""Errors a user can mend. Anything else that is raised is a defect and keeps its stack trace."""

from collections.abc import Sequence
from typing import Any


class UserError(Exception):
    """One line that names the thing, the reason and the mend; shown without a stack trace."""


def explain(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors as one line that names the field, what stands there, and the reason."""
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole"
    given = first.get("input")
    shown = f" is {given!r}:" if isinstance(given, str | int | float | bool) else ":"
    return f"{field}{shown} {first['msg']}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
