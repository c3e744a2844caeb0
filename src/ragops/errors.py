"""Errors that a user can fix. Every other exception is a defect and keeps its stack trace."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ragops.text import one_line

_PROSE = {"too_short": "give at least {min_length}", "too_long": "give at most {max_length}"}
"""By type of error: our own words where pydantic's name Python types."""

# The wording of Unity Catalog through Spark, and of MLflow's and the workspace's services.
_NOT_PERMITTED = re.compile(r"INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED|does not have permission|not authorized", re.I)
# What Spark's client and the SDK append to a message.
_APPENDED = re.compile(r"\s*JVM stacktrace:|\. Config:")
_IN_A_CATALOG = ("schema", "table", "view", "volume", "model")
_MISSING_CODES = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"}


class UserError(Exception):
    """One line that names the thing, the reason and the fix; shown without a stack trace.

    Example:
        >>> from ragops import UserError, load_usecase
        >>> try:
        ...     load_usecase("missing.yml")
        ... except UserError as error:
        ...     print(error)
        usecase: cannot read missing.yml (No such file or directory); give the path of a usecase.yml
    """


class RequestError(UserError):
    """The request itself is wrong, not the system that it was sent to: only the sender can fix it."""


class NotPermitted(UserError):
    """A right is missing; the line says which, on what and for which user."""


def lacks(rights: str, on: str, reason: str) -> NotPermitted:
    """The error for a missing right.

    Args:
        rights: as in `needing`.
        on: as in `needing`.
        reason: the platform's own message, in one line.
    """
    above = ", with USE CATALOG and USE SCHEMA" if on.startswith(_IN_A_CATALOG) else ""
    return NotPermitted(f"{_user()} needs {rights} on {on}{above} ({reason}); grant it: see docs/rights.md for who can")


@contextmanager
def needing(rights: str, on: str) -> Iterator[None]:
    """Turns a refusal for lack of rights, from any of the platform's clients, into one line; other errors pass through.

    Args:
        rights: what is needed, as SQL spells it: "SELECT", "MODIFY and SELECT", "CAN QUERY".
        on: the object, with its kind first: "table a.b.c".

    Raises:
        NotPermitted: the platform refuses.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # PermissionError means a missing right on a volume only where files of a volume are used.
        is_other_file = isinstance(error, PermissionError) and not rights.endswith("VOLUME")
        if not is_other_file and (message := _refusal(error)):
            raise lacks(rights, on, message) from error
        raise


def is_missing(error: Exception) -> bool:
    """Whether an MLflow store reports that a model, prompt, version, alias or experiment does not exist.

    The codes differ: SQLite reports a missing alias as INVALID_PARAMETER_VALUE, Unity Catalog a missing prompt as
    RESOURCE_DOES_NOT_EXIST or NOT_FOUND. An invalid name is reported again when the object is created.
    """
    return getattr(error, "error_code", "") in _MISSING_CODES


def explain(errors: Sequence[Any], root: str = "(root)") -> str:
    """The first of pydantic's errors as one line that names the field, its value and the reason.

    Args:
        errors: pydantic's `ValidationError.errors()`.
        root: the name for the whole input, for errors that concern no single field; "" for the reason alone.
    """
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"]) or root
    given = first.get("input")
    shown = f" is {given!r}: " if isinstance(given, str | int | float | bool) else ": "
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{field}{shown if field else ''}{_pydantic_reason(first)}{more}"


def _refusal(error: Exception) -> str:
    """The platform's message in one line if it refuses for lack of rights; "" for other errors.

    Recognized by class names, so that clients that are not installed need not be imported.
    """
    text = str(error).strip()
    message = one_line(_APPENDED.split(text)[0], 300)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    is_denied = getattr(error, "error_code", "") == "PERMISSION_DENIED"  # MLflow's
    # Only the first line: the stack traces of workers that follow may contain anything.
    is_refused = "PySparkException" in kinds and _NOT_PERMITTED.search(text.partition("\n")[0])
    return message if is_denied or is_refused or kinds & {"PermissionError", "PermissionDenied"} else ""


def _user() -> str:
    """The current user's name on the platform: from the active Spark session, or the endpoint's principal."""
    if "pyspark.sql" in sys.modules:
        from pyspark.sql import SparkSession

        with suppress(Exception):  # this must not hide the first error
            session = SparkSession.getActiveSession()
            if session is not None:
                return str(session.sql("SELECT current_user()").collect()[0][0])
    return os.environ.get("DATABRICKS_CLIENT_ID") or "the current user"


def _pydantic_reason(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    if prose := _PROSE.get(error["type"]):
        return prose.format(**error["ctx"])
    return str(error["msg"]).replace("Value error, ", "")
