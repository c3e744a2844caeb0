"""What happens in sandboxes: the kernel refuses what the parsers' processes use beyond plain Python."""

import json
import multiprocessing.synchronize
import re
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from ragops.corpus.documents import pools
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.sandbox import ParserPool
from ragops.corpus.documents.types import Failure, ParsedDocument
from tests.support import seccomp
from tests.unit.corpus.documents.test_sandbox import wait_for_children, write

LIMITS = ParseLimits(timeout_s=4)


def parsed_without(refused: str, hostile: ModuleType, files: list[Path]) -> Any:
    """Two pools in a process of their own: what came out of the second one, and the log of both."""
    if not seccomp.is_there():
        pytest.skip("filters of system calls are written for Linux on x86_64 and aarch64")
    script = [sys.executable, seccomp.__file__, refused, str(Path(hostile.__file__ or "").parent)]
    done = subprocess.run([*script, *map(str, files)], capture_output=True, text=True)
    if "no seccomp filters here" in done.stderr:
        pytest.skip("this kernel has no filters of system calls")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("refused", "line"),
    [
        ("signals_by_descriptor", "parsers go on with the file they are at .*: fcntl F_SETSIG is refused here"),
        ("memory_limit", "parsers run without a memory limit, .*: setrlimit is refused here"),
        ("timer", "time is limited by the job alone, .*: setitimer is refused here"),
        ("fork_server", "each process that parses takes seconds to start: no fork server can run here"),
        ("processes", "files are parsed by the job's own process, .*: no process can be started here"),
    ],
)
def test_what_is_refused_is_done_without_and_said_once(
    refused: str, line: str, hostile: ModuleType, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.md"
    empty.touch()
    done = parsed_without(refused, hostile, [write(tmp_path, "hang"), empty, write(tmp_path, "good")])
    hangs, fails, good = done["outcomes"]
    assert hangs["reason"] == "took longer than 4 s"
    assert fails["reason"] == "empty: the file has no bytes"
    assert good["title"] == "good"
    [logged] = done["log"]
    assert re.fullmatch(rf"{line} \(.+\)", logged), logged


@pytest.mark.parametrize("refused", ["signals_by_descriptor", "memory_limit", "timer", "fork_server"])
def test_a_parser_that_dies_fails_its_file_alone_whatever_is_refused(
    refused: str, hostile: ModuleType, tmp_path: Path
) -> None:
    done = parsed_without(refused, hostile, [write(tmp_path, "crash"), write(tmp_path, "good")])
    assert done["outcomes"][0]["reason"] == "parser died: Segmentation fault"
    assert done["outcomes"][1]["title"] == "good"


def test_nothing_is_said_where_nothing_is_refused(hostile: ModuleType, tmp_path: Path) -> None:
    assert parsed_without("nothing", hostile, [write(tmp_path, "good")])["log"] == []


def test_without_signals_an_orphan_ends_after_the_file_it_is_at(hostile: ModuleType, tmp_path: Path) -> None:
    if not seccomp.is_there():
        pytest.skip("filters of system calls are written for Linux on x86_64 and aarch64")
    script = tmp_path / "owner.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        from pathlib import Path
        sys.path[:0] = [{str(Path(hostile.__file__ or "").parent)!r}, {str(Path(seccomp.__file__).parent)!r}]
        import hostile_parsers, seccomp
        from ragops.corpus.documents.sandbox import ParserPool, ParseLimits
        seccomp.refuse("signals_by_descriptor")
        pool = ParserPool(ParseLimits(timeout_s=300), parse=hostile_parsers.behave)
        pool.parse(Path({str(write(tmp_path, "outlive"))!r}))
        """)
    )
    owner = subprocess.Popen([sys.executable, str(script)])
    children = wait_for_children(psutil.Process(owner.pid), set(), count=3)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.fixture
def no_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where /dev/shm is not mounted."""

    def refuse(*args: object, **others: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    monkeypatch.setattr(pools, "_said", set())


def test_without_semaphores_this_process_parses(
    no_semaphores: None, hostile: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [write(tmp_path, stem) for stem in ("good", "hang", "other")]
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        outcomes = [pool.parse(path) for path in paths]
    assert [type(outcome) for outcome in outcomes] == [ParsedDocument, Failure, ParsedDocument]
    assert outcomes[1] == Failure("took longer than 4 s", "TimeoutError", "markdown", "timeout_s")
    [record] = caplog.records
    assert "(Function not implemented)" in record.getMessage() or "[Errno 38]" in record.getMessage()


def test_a_file_that_is_given_as_the_children_break_down_is_given_once_more(
    hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pebble never answers such a task."""
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        pool.parse(write(tmp_path, "good"))
        broken = pool._pool
        assert broken is not None
        monkeypatch.setattr(broken, "schedule", lambda *args, **others: Future())
        attempt = pool._submit(write(tmp_path, "good"))
        monkeypatch.undo()
        broken.stop()
        assert isinstance(pool._outcome(attempt), ParsedDocument)


def test_this_process_keeps_its_own_alarm(no_semaphores: None, hostile: ModuleType, tmp_path: Path) -> None:
    def mine(signum: int, frame: object) -> None: ...

    before, timer = signal.signal(signal.SIGALRM, mine), signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with ParserPool(LIMITS, parse=hostile.behave) as pool:
            assert isinstance(pool.parse(write(tmp_path, "good")), ParsedDocument)
        assert signal.getsignal(signal.SIGALRM) is mine
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_this_process_parses_in_any_thread(no_semaphores: None, hostile: ModuleType, tmp_path: Path) -> None:
    outcomes: list[object] = []
    pool = ParserPool(LIMITS, parse=hostile.behave)
    thread = threading.Thread(target=lambda: outcomes.append(pool.parse(write(tmp_path, "good"))))
    thread.start()
    thread.join()
    assert isinstance(outcomes[0], ParsedDocument)


def test_memory_that_runs_out_in_this_process_fails_the_file(
    no_semaphores: None, hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eat(limits: ParseLimits) -> None:
        raise MemoryError

    monkeypatch.setitem(hostile.ACTIONS, "eat", eat)
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        failure = pool.parse(write(tmp_path, "eat"))
    assert isinstance(failure, Failure) and failure.exception_type == "MemoryError"
