"""Ledger rows for a volume that is not mounted: uploaded through the Files API, or pending."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragops.answers.llms.ledger.calls import Call, CallRow
from ragops.answers.llms.ledger.sinks import Uploads
from ragops.answers.llms.open import open_ledger
from ragops.answers.llms.settings import Scripted
from ragops.platform.workspace import Workspace
from tests.support.files_double import Double, container, enter, served
from tests.support.llms import ME, scripted

FOLDER = Path("/Volumes/main/rag/ledger")
MODEL = Scripted.model_validate(scripted("m"))


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    (tmp_path / "volumes" / "ledger").mkdir(parents=True)
    double = Double(tmp_path / "volumes")
    with served(double) as address:
        enter(address, tmp_path, monkeypatch)
        yield double
    assert double.faults == []


def row() -> CallRow:
    return Call(MODEL, ME).ended("failed", ValueError())


def files(double: Double) -> list[list[CallRow]]:
    """The rows of each file, oldest first."""
    found = sorted((double.volumes / "ledger").glob("*.jsonl"))
    return [[CallRow.model_validate_json(line) for line in file.read_text().splitlines()] for file in found]


def until(condition: Callable[[], bool]) -> None:
    """Waits for another thread; the test's own timeout ends it."""
    while not condition():
        os.sched_yield()


def test_rows_are_uploaded_in_the_background(double: Double) -> None:
    double.slow.add("jsonl")
    uploads = Uploads(FOLDER, rows_per_file=3, seconds=1e6)
    rows = [row() for _ in range(4)]
    for one in rows[:3]:
        uploads.write(one)
    until(lambda: double.times("PUT", "jsonl") == 1)
    uploads.write(rows[3])  # while the first file is being uploaded
    assert files(double) == []
    double.released.set()
    until(lambda: len(files(double)) == 1)
    assert files(double) == [rows[:3]]
    uploads.close()
    uploads.close()
    assert sorted(files(double), key=len) == [rows[3:], rows[:3]]


def test_a_few_rows_are_uploaded_after_the_interval(double: Double) -> None:
    uploads, result = Uploads(FOLDER, seconds=0.01), row()
    uploads.write(result)
    until(lambda: files(double) == [[result]])
    uploads.close()


@pytest.mark.parametrize("trouble", ["forbidden", "no volume", "away"])
def test_rows_stay_pending_while_uploads_fail(double: Double, caplog: pytest.LogCaptureFixture, trouble: str) -> None:
    if trouble == "forbidden":
        double.refused["jsonl"] = 403
    elif trouble == "no volume":
        (double.volumes / "ledger").rmdir()
    else:
        double.down = True
    uploads = Uploads(FOLDER, rows_per_file=1, seconds=0.01)
    rows = [row(), row()]
    for one in rows:
        uploads.write(one)
    until(lambda: f"2 rows pending, {FOLDER}" in caplog.text)
    double.refused.clear()
    double.down = False
    (double.volumes / "ledger").mkdir(exist_ok=True)
    until(lambda: files(double) == [rows])
    uploads.close()


def test_rows_stay_pending_without_credentials(
    double: Double, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "credentials" / "model-dependencies-oauth-token").unlink()
    uploads = Uploads(FOLDER, seconds=1e6)
    uploads.write(row())
    uploads.close()
    assert "1 rows pending, Databricks: " in caplog.text


def test_the_oldest_rows_are_dropped_when_too_many_are_pending(
    double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    uploads = Uploads(FOLDER, seconds=1e6, max_pending=2)
    rows = [row() for _ in range(3)]
    for one in rows:
        uploads.write(one)
    assert "dropped the oldest" in caplog.text
    uploads.close()
    assert files(double) == [rows[1:]]


ENDING = """
import os, sys
from pathlib import Path
from databricks.sdk.credentials_provider import ModelServingAuthProvider
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.llms.ledger.sinks import Uploads
# The path that an older SDK reads; newer ones use the folder in the environment.
token = os.environ["SERVING_CREDENTIALS_DIR"] + "/model-dependencies-oauth-token"
ModelServingAuthProvider._MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH = token
uploads = Uploads(Path(sys.argv[1]), seconds=1e6)
uploads.write(CallRow.model_validate_json(sys.argv[2]))
"""


def test_a_process_that_exits_uploads_its_pending_rows(double: Double, tmp_path: Path) -> None:
    with served(double) as address:
        command = [sys.executable, "-c", ENDING, str(FOLDER), row().model_dump_json()]
        subprocess.run(command, env=container(address, tmp_path / "credentials"), cwd=tmp_path, check=True)
    assert [len(rows) for rows in files(double)] == [1]


def test_rows_are_uploaded_in_model_serving_and_spooled_elsewhere(
    double: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace = Workspace("main", "rag")
    assert isinstance(open_ledger(workspace), Uploads)
    monkeypatch.delenv("IS_IN_DB_MODEL_SERVING_ENV")
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    open_ledger(workspace).write(row())
    assert len(list((tmp_path / "Volumes/main/rag/ledger").glob("*.jsonl"))) == 1
