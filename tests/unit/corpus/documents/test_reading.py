"""Rows of files that change while they are read, with a pool of parsers that makes those changes."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pandas as pd
import pytest

from ragops.corpus.documents import pools, reading
from ragops.corpus.documents.landing import LandingFile, content_hash, list_files
from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.reading import Reader, as_row
from ragops.corpus.documents.sandbox import ParserPool
from ragops.corpus.documents.types import MEMORY_HERE, Failure, ParsedDocument

NAMES = ["path", "size_bytes", "modified_us", "earlier_tries"]
READ = ParsedDocument("# A", "A", "en", "md", None, "markdown", ocr=False)


class Pool:
    def __init__(self, parse: Callable[[Path], ParsedDocument | Failure]) -> None:
        self.parse = parse

    def close(self) -> None:
        """Nothing was started."""

    def has_child(self) -> bool:
        return True


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("# A")
    return tmp_path


def rows(
    landing: Path, monkeypatch: pytest.MonkeyPatch, parse: Callable[[Path], ParsedDocument | Failure]
) -> list[dict[str, Any]]:
    """The rows that a Spark worker makes, after checking that this process's threads make the same."""
    monkeypatch.setattr(reading, "_parsers", lambda limits, at_once: parsers(parse, at_once))
    reading._of_worker.cache_clear()
    reader, listed = Reader(landing, ParseLimits(), 16_384 * MIB), list(list_files(landing))
    files = pd.DataFrame([as_row(file) for file in listed], columns=NAMES)
    made = [row for frame in reader.parse_batches(iter([files])) for row in frame.to_dict("records")]
    if (landing / "a.md").is_file() and not made:  # the first reading's change cannot be repeated
        return []
    here = [row for row in reader.read(listed, 2) if row]
    result = {"ingested_at", "checked_at"}
    assert [{k: v for k, v in row.items() if k not in result} for row in here] == [
        {k: v for k, v in row.items() if k not in result} for row in made
    ]
    return made


def parsers(parse: Callable[[Path], ParsedDocument | Failure], at_once: int) -> "SimpleQueue[Pool]":
    given: SimpleQueue[Pool] = SimpleQueue()
    for _ in range(at_once):
        given.put(Pool(parse))
    return given


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
def test_a_file_that_changes_while_it_is_parsed_gives_no_row(
    act: Callable[[Path], object], landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(path: Path) -> ParsedDocument:
        act(path)
        return READ

    assert rows(landing, monkeypatch, parse) == []


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EAGAIN])
def test_a_failing_mount_gives_no_row(number: int, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(reading, "content_hash", fail)
    assert rows(landing, monkeypatch, lambda path: READ) == []


def test_a_transient_failure_gives_no_row(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Failure("cannot be read: Stale file handle", "OSError", "markdown", transient=True)
    assert rows(landing, monkeypatch, lambda path: failure) == []


def test_a_file_that_may_not_be_read_is_quarantined(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(reading, "content_hash", fail)
    failure = Failure("cannot be read: Permission denied", "PermissionError", "markdown")
    [row] = rows(landing, monkeypatch, lambda path: failure)
    assert (row["reason"], row["file_hash"]) == ("cannot be read: Permission denied", None)


def test_a_name_that_no_table_can_store_is_quarantined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_bytes(b"1")
    [row] = rows(tmp_path, monkeypatch, lambda path: READ)
    assert row["reason"] == "cannot be read: its name is not UTF-8; rename it"


@pytest.mark.parametrize(
    ("limit", "value"), [("max_pages", 2000.0), ("timeout_s", 60.0), (MEMORY_HERE, 16_384.0 * MIB), (None, None)]
)
def test_a_refusal_is_stored_with_its_limit(
    limit: str | None, value: float | None, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = rows(landing, monkeypatch, lambda path: Failure("too large", "Unparsable", "markdown", limit))
    assert (row["limit_met"], row["limit_value"]) == (limit, value)


def test_many_files_keep_their_order_and_are_read_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.md").write_text(f"# {number}")
    monkeypatch.setattr(reading, "_parsers", lambda limits, at_once: parsers(lambda path: READ, at_once))
    listed, taken = list(list_files(tmp_path)), []

    def files() -> Iterator[LandingFile]:
        for file in listed:
            taken.append(file)
            yield file

    made = Reader(tmp_path, ParseLimits(), 1).read(files(), 2)
    assert next(made) is not None
    assert len(taken) <= 33
    assert [row["path"] for row in made if row] == [file.path for file in listed[1:]]


def test_while_one_file_takes_long_the_other_child_reads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan takes seconds, a page of text a millisecond."""
    for number in range(20):
        (tmp_path / f"{number:02}.md").write_text(f"# {number}")
    others, ready = list[Path](), threading.Event()

    def parse(path: Path) -> ParsedDocument:
        if path.name == "00.md":
            assert ready.wait(30), f"only {len(others)} others were read"
        else:
            others.append(path)
            if len(others) == 15:
                ready.set()
        return READ

    monkeypatch.setattr(reading, "_parsers", lambda limits, at_once: parsers(parse, at_once))
    assert len([row for row in Reader(tmp_path, ParseLimits(), 1).read(list_files(tmp_path), 2) if row]) == 20


def test_without_children_the_main_thread_reads_one_file_after_another(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PDFium may crash in two threads at once, and only the main thread can interrupt a parser that hangs."""
    threads: list[threading.Thread] = []

    def parse(path: Path, limits: ParseLimits) -> ParsedDocument:
        threads.append(threading.current_thread())
        while path.name == "hangs.md":
            pass
        return READ

    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(pools, "_responding_pool", refuse)
    monkeypatch.setattr(reading, "ParserPool", partial(ParserPool, parse=parse))
    for name in ("b.md", "c.md", "hangs.md"):
        (landing / name).write_text("# A")
    made = [row for row in Reader(landing, ParseLimits(timeout_s=1), 16_384 * MIB).read(list_files(landing), 4) if row]
    assert [row["reason"] for row in made] == [None, None, None, "took longer than 1 s"]
    assert set(threads) == {threading.main_thread()}
