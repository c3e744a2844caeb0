"""Errors a user can fix. Anything else that is raised is a defect and keeps its stack trace."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

_PROSE = {"too_short": "give at least {min_length}", "too_long": "give at most {max_length}"}
"""By type of error, where pydantic's own words name Python's types."""

# As Unity Catalog says it through Spark, and as MLflow's and the workspace's services do.
_NOT_PERMITTED = re.compile(r"INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED|does not have permission|not authorized", re.I)
# What Spark's client and the SDK put behind what was said.
_APPENDED = re.compile(r"\s*JVM stacktrace:|\. Config:")
_IN_A_CATALOG = ("schema", "table", "view", "volume", "model")
_NOT_THERE = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"}


class UserError(Exception):
    """One line that names the thing, the reason and the fix; shown without a stack trace."""


class RequestError(UserError):
    """What was asked is wrong, not the place where it was asked: only whoever asked can fix it."""


class NotPermitted(UserError):
    """A right is missing; the line says which, on what and for whom."""


def lacks(rights: str, on: str, reason: str) -> NotPermitted:
    """The error of whoever runs this and lacks rights; arguments as of `needing`, and what the platform said."""
    above = ", with USE CATALOG and USE SCHEMA" if on.startswith(_IN_A_CATALOG) else ""
    return NotPermitted(f"{_who()} needs {rights} on {on}{above} ({reason}); grant it: docs/rights.md says by whom")


@contextmanager
def needing(rights: str, on: str) -> Iterator[None]:
    """Says a refusal for want of rights in one line, whichever client of the platform raises it; others pass.

    Args:
        rights: what is needed, as SQL spells it: "SELECT", "MODIFY and SELECT", "CAN QUERY".
        on: the thing after its kind: "table a.b.c".

    Raises:
        NotPermitted: the platform refuses.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # A file that may not be opened is a matter of rights on a volume, and of nothing else.
        is_other_file = isinstance(error, PermissionError) and not rights.endswith("VOLUME")
        if not is_other_file and (reason := _refusal(error)):
            raise lacks(rights, on, reason) from error
        raise


def is_missing(error: Exception) -> bool:
    """Whether a store of MLflow says that a model, a prompt, a version, an alias or an experiment is not there.

    Each says it in its own way: SQLite of an alias with INVALID_PARAMETER_VALUE, Unity Catalog of a prompt with
    RESOURCE_DOES_NOT_EXIST or NOT_FOUND. What is wrong with a name is said again when it is to be made.
    """
    return getattr(error, "error_code", "") in _NOT_THERE


def _refusal(error: Exception) -> str:
    """What the platform said, in one line; "" for other errors.

    The clients are not imported for this: who has none of their errors need not have them.
    """
    text = str(error).strip()
    said = " ".join(_APPENDED.split(text)[0].split())[:300]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    is_denied = getattr(error, "error_code", "") == "PERMISSION_DENIED"  # MLflow's
    # The first line alone: behind it are the stack traces of workers, in which anything may stand.
    is_refused = "PySparkException" in kinds and _NOT_PERMITTED.search(text.partition("\n")[0])
    return said if is_denied or is_refused or kinds & {"PermissionError", "PermissionDenied"} else ""


def _who() -> str:
    """Who runs this, as the platform calls them: asked of a session that is there, or the endpoint's principal."""
    if "pyspark.sql" in sys.modules:
        from pyspark.sql import SparkSession

        with suppress(Exception):  # the first error is what counts, whatever else does not work
            session = SparkSession.getActiveSession()
            if session is not None:
                return str(session.sql("SELECT current_user()").collect()[0][0])
    return os.environ.get("DATABRICKS_CLIENT_ID") or "whoever runs this"


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
