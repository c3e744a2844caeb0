"""Parsing in a sandbox whose kernel refuses system calls that the parsers' processes use."""

import json
import multiprocessing.synchronize
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
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
from tests.support.parser_processes import wait_for_children, write_named

LIMITS = ParseLimits(timeout_s=2)
LOGGED = {
    "signals_by_descriptor": "F_SETSIG is not permitted",
    "memory_limit": "setrlimit is not permitted",
    "timer": "setitimer is not permitted",
    "fork_server": "no fork server can run here",
    "processes": "no process can be started here",
    "nothing": "",
}


@dataclass(frozen=True)
class Parsed:
    """The results of the first pool by file name, and what both pools logged."""

    outcomes: Mapping[str, Mapping[str, Any]]
    log: list[str]


@pytest.fixture(scope="module", params=LOGGED)
def refused(request: pytest.FixtureRequest) -> str:
    """What the kernel refuses."""
    return str(request.param)


@pytest.fixture(scope="module")
def parsed(refused: str, hostile: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    """Files parsed by two pools in a process that is refused something."""
    if not seccomp.is_available():
        pytest.skip("filters of system calls are written for Linux on x86_64 and aarch64")
    folder = tmp_path_factory.mktemp("files")
    (folder / "empty.md").touch()
    # Without children a crash would end the process itself.
    stems = ["hang", "empty", *([] if refused == "processes" else ["crash"]), "good"]
    files = [folder / "empty.md" if stem == "empty" else write_named(folder, stem) for stem in stems]
    script = [sys.executable, seccomp.__file__, refused, str(Path(hostile.__file__ or "").parent)]
    done = subprocess.run([*script, *map(str, files)], capture_output=True, text=True)
    if "no seccomp filters here" in done.stderr:
        pytest.skip("this kernel has no filters of system calls")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Parsed(dict(zip(stems, found["outcomes"], strict=True)), found["log"])


def test_every_file_is_parsed_or_fails_whatever_is_refused(parsed: Parsed) -> None:
    assert parsed.outcomes["hang"]["limit"] == "timeout_s"
    assert parsed.outcomes["empty"]["reason"] == "empty: the file has no bytes"
    assert parsed.outcomes["good"]["title"] == "good"


def test_a_parser_that_crashes_fails_only_its_file_whatever_is_refused(parsed: Parsed) -> None:
    if "crash" in parsed.outcomes:
        assert parsed.outcomes["crash"]["reason"] == "parser died: Segmentation fault"


def test_a_missing_feature_is_logged_once_in_a_process(refused: str, parsed: Parsed) -> None:
    if refused == "nothing":
        assert parsed.log == []
    else:
        [logged] = parsed.log
        assert LOGGED[refused] in logged


def test_without_signals_an_orphan_ends_after_its_current_file(hostile: ModuleType, tmp_path: Path) -> None:
    if not seccomp.is_available():
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
        pool.parse(Path({str(write_named(tmp_path, "outlive"))!r}))
        """)
    )
    owner = subprocess.Popen([sys.executable, str(script)])
    children = wait_for_children(psutil.Process(owner.pid), set(), count=3)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.fixture
def no_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where /dev/shm is not mounted."""

    def refuse(*args: object, **others: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    monkeypatch.setattr(pools, "_warned", set())


def test_without_semaphores_this_process_parses(
    no_semaphores: None, hostile: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [write_named(tmp_path, stem) for stem in ("good", "hang", "other")]
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        outcomes = [pool.parse(path) for path in paths]
    assert [type(outcome) for outcome in outcomes] == [ParsedDocument, Failure, ParsedDocument]
    assert outcomes[1] == Failure("took longer than 2 s", "TimeoutError", "markdown", "timeout_s")
    [record] = caplog.records
    assert "(Function not implemented)" in record.getMessage() or "[Errno 38]" in record.getMessage()


def test_a_file_submitted_while_the_pool_breaks_is_submitted_again(
    hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pebble never answers a task that arrives while its pool breaks."""
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        pool.parse(write_named(tmp_path, "good"))
        broken = pool._pool
        assert broken is not None
        monkeypatch.setattr(broken, "schedule", lambda *args, **others: Future())
        attempt = pool._submit(write_named(tmp_path, "good"))
        monkeypatch.undo()
        broken.stop()
        assert isinstance(pool._outcome(attempt), ParsedDocument)


def test_this_process_keeps_its_own_alarm(no_semaphores: None, hostile: ModuleType, tmp_path: Path) -> None:
    def mine(signum: int, frame: object) -> None: ...

    before, timer = signal.signal(signal.SIGALRM, mine), signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with ParserPool(LIMITS, parse=hostile.behave) as pool:
            assert isinstance(pool.parse(write_named(tmp_path, "good")), ParsedDocument)
        assert signal.getsignal(signal.SIGALRM) is mine
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_this_process_parses_in_any_thread(no_semaphores: None, hostile: ModuleType, tmp_path: Path) -> None:
    outcomes: list[object] = []
    pool = ParserPool(LIMITS, parse=hostile.behave)
    thread = threading.Thread(target=lambda: outcomes.append(pool.parse(write_named(tmp_path, "good"))))
    thread.start()
    thread.join()
    assert isinstance(outcomes[0], ParsedDocument)


def test_running_out_of_memory_in_this_process_fails_the_file(
    no_semaphores: None, hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eat(limits: ParseLimits) -> None:
        raise MemoryError

    monkeypatch.setitem(hostile.ACTIONS, "eat", eat)
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        failure = pool.parse(write_named(tmp_path, "eat"))
    assert isinstance(failure, Failure) and failure.exception_type == "MemoryError"
