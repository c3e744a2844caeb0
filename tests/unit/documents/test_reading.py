"""Rows of files that others write to, with a pool of parsers that does what somebody else might do meanwhile."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ragops.documents import reading
from ragops.documents.landing import content_hash, list_files
from ragops.documents.limits import MIB, ParseLimits
from ragops.documents.memory import SERVERLESS_UDF_BYTES, Place
from ragops.documents.outcomes import MEMORY_HERE, Failure, ParsedDocument
from ragops.documents.reading import Reader, as_row

NAMES = ["doc_id", "path", "size_bytes", "modified_at", "modified_us"]
READ = ParsedDocument("# A", "A", "en", "md", None, "markdown", ocr=False)


class Pool:
    def __init__(self, parse: Callable[[Path], ParsedDocument | Failure]) -> None:
        self.parse = parse


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("# A")
    return tmp_path


def rows(
    landing: Path, monkeypatch: pytest.MonkeyPatch, parse: Callable[[Path], ParsedDocument | Failure]
) -> list[dict[str, Any]]:
    monkeypatch.setattr(reading, "_pool", lambda limits, place: Pool(parse))
    files = pd.DataFrame([as_row(file) for file in list_files(landing)], columns=NAMES)
    reader = Reader(landing, ParseLimits(), Place(16_384 * MIB, serverless=False))
    return [row for frame in reader.parse_batches(iter([files])) for row in frame.to_dict("records")]


def test_a_row_has_the_hash_of_the_bytes_and_the_status_at_the_time(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = rows(landing, monkeypatch, lambda path: READ)
    assert row["file_hash"] == content_hash(landing / "a.md")
    assert row["changed_us"] == (landing / "a.md").stat().st_ctime_ns // 1000
    assert (row["reason"], row["limit_met"], row["limit_value"]) == (None, None, None)


@pytest.mark.parametrize(
    "act",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("# Another text"),
        lambda path: os.utime(path, (1, 1)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_file_that_changes_while_it_is_parsed_yields_no_row(
    act: Callable[[Path], object], landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(path: Path) -> ParsedDocument:
        act(path)
        return READ

    assert rows(landing, monkeypatch, parse) == []


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EAGAIN])
def test_a_mount_that_fails_is_no_fault_of_the_file(
    number: int, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(reading, "content_hash", fail)
    assert rows(landing, monkeypatch, lambda path: READ) == []


def test_a_failure_that_will_pass_yields_no_row(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Failure("cannot be read: Stale file handle", "OSError", "markdown", passing=True)
    assert rows(landing, monkeypatch, lambda path: failure) == []


def test_a_file_that_may_not_be_read_is_quarantined(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(reading, "content_hash", fail)
    failure = Failure("cannot be read: Permission denied", "PermissionError", "markdown")
    [row] = rows(landing, monkeypatch, lambda path: failure)
    assert (row["reason"], row["file_hash"]) == ("cannot be read: Permission denied", None)


def test_a_name_that_no_table_holds_is_quarantined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_bytes(b"1")
    [row] = rows(tmp_path, monkeypatch, lambda path: READ)
    assert row["reason"] == "cannot be read: its name is not UTF-8; rename it"


@pytest.mark.parametrize(
    ("limit", "value"), [("max_pages", 2000.0), ("timeout_s", 60.0), (MEMORY_HERE, 16_384.0 * MIB), (None, None)]
)
def test_a_refusal_is_kept_with_the_limit_that_it_met(
    limit: str | None, value: float | None, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = rows(landing, monkeypatch, lambda path: Failure("too large", "Unparsable", "markdown", limit))
    assert (row["limit_met"], row["limit_value"]) == (limit, value)


@pytest.mark.parametrize(
    ("serverless", "in_worker", "place"),
    [(True, True, SERVERLESS_UDF_BYTES), (True, False, None), (False, True, None)],
)
def test_functions_on_serverless_compute_have_one_gigabyte(
    serverless: bool, in_worker: bool, place: int | None, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[int | None] = []
    monkeypatch.setattr(reading, "_pool", lambda limits, place_bytes: places.append(place_bytes))
    monkeypatch.setattr(reading, "_in_spark_worker", lambda: in_worker)
    assert list(Reader(landing, ParseLimits(), Place(16_384 * MIB, serverless)).parse_batches(iter([]))) == []
    assert places == [place]


def test_this_process_is_no_worker_of_spark() -> None:
    assert not reading._in_spark_worker()
