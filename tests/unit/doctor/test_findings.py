"""A group that fails or hangs does not stop the next one, and missing things are counted."""

import io
import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ragops.doctor.console import show, summary
from ragops.doctor.findings import Finding, Group, Section, as_rows, examine, line, look, missing

GOOD = Finding("disk", "3 GiB")


def failing() -> Iterator[Finding]:
    yield GOOD
    raise RuntimeError("the worker died\nJVM stacktrace:\n at a.b")


def test_a_group_that_fails_keeps_its_findings_and_does_not_stop_the_next() -> None:
    first, second = examine([Group("bad", failing), Group("good", lambda: [GOOD])])
    assert first.findings[0] == GOOD
    assert first.findings[1][:3] == ("other checks", "the worker died", "unknown")
    assert second == Section("good", (GOOD,))


def test_a_group_that_hangs_keeps_its_findings() -> None:
    over = threading.Event()

    def hanging() -> Iterator[Finding]:
        yield GOOD
        over.wait()

    (section,) = examine([Group("slow", hanging, seconds=0.01)])
    over.set()
    assert section.findings[-1][:3] == ("other checks", "no result after 0.01 s", "unknown")


def test_a_refused_check_is_a_row_with_the_fix() -> None:
    def refused() -> str:
        raise PermissionError("no")

    assert look("a", lambda: "yes") == Finding("a", "yes")
    assert look("a", refused, "grant it", "missing") == Finding("a", "no", "missing", "grant it")


@given(st.text())
def test_an_error_is_one_short_line(text: str) -> None:
    shown = line(RuntimeError(text))
    assert shown and "\n" not in shown and len(shown) <= 300


def test_an_error_in_a_worker_is_reported_without_its_frames() -> None:
    frames = "".join(f'  File "pyspark/worker.py", line {number}, in main\n    func()\n' for number in range(40))
    text = (
        f"Thrown from the Python worker:\nTraceback (most recent call last):\n{frames}ModuleNotFoundError: no pandas\n"
    )
    assert line(RuntimeError(text)) == "Thrown from the Python worker: ModuleNotFoundError: no pandas"


def test_the_summary_counts_missing_and_unknown() -> None:
    sections = [Section("a", (GOOD, Finding("b", "none", "missing", "get it"), Finding("c", "?", "unknown")))]
    assert [finding.what for finding in missing(sections)] == ["b"]
    assert summary(sections) == "3 checks: 1 missing (b), 1 unknown"
    assert json.loads(json.dumps(as_rows(sections)))[1] == {
        "group": "a",
        "what": "b",
        "found": "none",
        "state": "missing",
        "to_do": "get it",
    }


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_fits_the_width(width: int) -> None:
    long = Finding("a name that is longer than its column", "/a/path/" * 30, "missing", "do [this] and that " * 9)
    written = io.StringIO()
    show(Console(file=written, width=width, color_system=None), [Section("One", (long, GOOD))])
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "do [this]" in written.getvalue() and lines[-1].startswith("2 checks: 1 missing")
