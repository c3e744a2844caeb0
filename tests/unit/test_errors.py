"""Refusals for lack of rights, from every client of the platform, and pydantic's errors, each in one line."""

import errno
import os
from pathlib import Path

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyspark.errors import AnalysisException, PythonException

from ragops.corpus.documents.landing import list_files
from ragops.errors import NotPermitted, UserError, explain, needing

_UNITY_CATALOG = (
    "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have SELECT on Table 'a.b.c'. SQLSTATE: 42501"
)
_SERVICE = "PERMISSION_DENIED: User does not have MODIFY on Table 'a.b.c'.\n\nJVM stacktrace:\norg.apache.spark"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AnalysisException(_UNITY_CATALOG), " ".join(_UNITY_CATALOG.split())),
        (AnalysisException(_SERVICE), "PERMISSION_DENIED: User does not have MODIFY on Table 'a.b.c'."),
        (MlflowException("User lacks it", PERMISSION_DENIED), "User lacks it"),
        (PermissionDenied("no. Config: host=https://x, token=***"), "no"),
    ],
)
def test_a_refusal_names_the_right_the_thing_and_the_platform_s_reason(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_CLIENT_ID", raising=False)
    with pytest.raises(NotPermitted) as caught, needing("SELECT", "table a.b.c"):
        raise error
    line = str(caught.value)
    assert line.startswith("the current user needs SELECT on table a.b.c, with USE CATALOG and USE SCHEMA (")
    assert f"({reason}); " in line and "docs/rights.md" in line


@pytest.mark.parametrize(
    "error",
    [
        AnalysisException("[TABLE_OR_VIEW_NOT_FOUND] The table or view cannot be found."),
        PythonException("An exception was thrown from the Python worker:\nHTTP 403 PERMISSION_DENIED"),
        MlflowException("broken", INTERNAL_ERROR),
        NotFound("there is none"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        PermissionError(errno.EACCES, "Permission denied"),
        UserError("already explained"),
    ],
)
def test_other_errors_pass_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, needing("SELECT", "table a.b.c"):
        raise error
    assert caught.value is error


def test_a_file_without_permission_is_a_missing_right_on_its_volume() -> None:
    message = r"needs READ VOLUME on volume a.b.c, .*\(\[Errno 13\] Permission denied\)"
    with pytest.raises(NotPermitted, match=message), needing("READ VOLUME", "volume a.b.c"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_in_an_endpoint_the_error_names_its_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "1234-5678")
    message = r"^1234-5678 needs READ on secret scope s \(no\)"
    with pytest.raises(NotPermitted, match=message), needing("READ", "secret scope s"):
        raise PermissionDenied("no")


def test_a_landing_volume_without_permission_is_reported_with_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(NotPermitted, match="needs READ VOLUME on volume folder /Volumes/a/b/landing, with USE CATALOG"):
        list(list_files(Path("/Volumes/a/b/landing")))


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = Field(gt=0)
    names: list[str] = Field(default=["a"], min_length=1)


def _explained(content: object, root: str = "(root)") -> str:
    with pytest.raises(ValidationError) as caught:
        _Settings.model_validate(content)
    return explain(caught.value.errors(), root)


@pytest.mark.parametrize(
    ("content", "start"),
    [
        ({"size": 0}, "size is 0: "),
        ({"size": 1, "names": []}, "names: give at least 1"),
        ({"size": 1, "names": [{}]}, "names.0: "),
        ("text", "(root) is 'text': "),
        (None, "(root): "),
    ],
)
def test_a_pydantic_error_names_the_field_its_value_and_the_reason(content: object, start: str) -> None:
    assert _explained(content).startswith(start)


def test_the_number_of_further_errors_is_given() -> None:
    assert _explained({"size": 0, "names": [], "typo": 1}).endswith("(and 2 more)")


@pytest.mark.parametrize("content", ["text", None])
def test_the_name_of_the_whole_input_can_be_omitted(content: object) -> None:
    assert _explained(content, root="").startswith("Input should be")
