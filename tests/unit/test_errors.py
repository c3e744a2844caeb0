"""A refusal for want of rights is one line, whichever client of the platform raises it."""

import errno
import os
from pathlib import Path

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED
from pyspark.errors import AnalysisException, PythonException

from ragops.corpus.documents.landing import list_files
from ragops.errors import NotPermitted, UserError, needing

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
def test_what_the_platform_refuses(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_CLIENT_ID", raising=False)
    with pytest.raises(NotPermitted) as caught, needing("SELECT", "table a.b.c"):
        raise error
    assert str(caught.value) == (
        f"whoever runs this needs SELECT on table a.b.c, with USE CATALOG and USE SCHEMA ({reason}); "
        "grant it: docs/rights.md says by whom"
    )


@pytest.mark.parametrize(
    "error",
    [
        AnalysisException("[TABLE_OR_VIEW_NOT_FOUND] The table or view cannot be found."),
        PythonException("An exception was thrown from the Python worker:\nHTTP 403 PERMISSION_DENIED"),
        MlflowException("broken", INTERNAL_ERROR),
        NotFound("there is none"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        PermissionError(errno.EACCES, "Permission denied"),
        UserError("said already"),
    ],
)
def test_other_errors_stay_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, needing("SELECT", "table a.b.c"):
        raise error
    assert caught.value is error


def test_a_file_that_may_not_be_opened_is_a_matter_of_its_volume() -> None:
    said = r"needs READ VOLUME on volume a.b.c, .*\(\[Errno 13\] Permission denied\)"
    with pytest.raises(NotPermitted, match=said), needing("READ VOLUME", "volume a.b.c"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_an_endpoint_names_its_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "1234-5678")
    said = r"^1234-5678 needs READ on secret scope s \(no\)"
    with pytest.raises(NotPermitted, match=said), needing("READ", "secret scope s"):
        raise PermissionDenied("no")


def test_a_landing_volume_that_may_not_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(NotPermitted, match="needs READ VOLUME on volume folder /Volumes/a/b/landing, with USE CATALOG"):
        list(list_files(Path("/Volumes/a/b/landing")))
