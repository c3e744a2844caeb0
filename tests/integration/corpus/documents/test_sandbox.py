"""The real pool with real children, and parsers written to misbehave."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from ragops.corpus.documents import sandbox
from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.parsing import ParsedDocument
from ragops.corpus.documents.sandbox import Failure, ParserPool
from ragops.corpus.documents.types import MEMORY_HERE
from tests.support.parser_processes import wait_for_children, write_named

LIMITS = ParseLimits(timeout_s=2, memory_bytes=512 * MIB)


@pytest.fixture(scope="module")
def pool(hostile: ModuleType) -> Iterator[ParserPool]:
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        yield pool


@pytest.mark.parametrize(
    ("action", "failure"),
    [
        ("hang", Failure("took longer than 2 s", "TimeoutError", "markdown", "timeout_s")),
        ("eat", Failure("needs more than 512 MiB of memory", "MemoryError", "markdown", "memory_bytes")),
        ("die", Failure("parser died: Killed", "ProcessExpired", "markdown", MEMORY_HERE)),
        ("crash", Failure("parser died: Segmentation fault", "ProcessExpired", "markdown")),
        ("leave", Failure("parser died: exit code 7", "ProcessExpired", "markdown")),
    ],
)
def test_a_misbehaving_parser_fails_only_its_file(
    pool: ParserPool, tmp_path: Path, action: str, failure: Failure
) -> None:
    assert pool.parse(write_named(tmp_path, action)) == failure
    after = pool.parse(write_named(tmp_path, "good"))
    assert isinstance(after, ParsedDocument)
    assert after.title == "good"


def test_an_unparsable_file_is_a_failure_with_its_reason(pool: ParserPool, samples: Path) -> None:
    expected = Failure("encrypted: the file needs a password", "PdfiumError", "pypdfium2")
    assert pool.parse(samples / "encrypted.pdf") == expected


def test_a_pdf_that_hangs_its_parser_exceeds_the_time_limit(samples: Path) -> None:
    with ParserPool(ParseLimits(timeout_s=2, memory_bytes=16_384 * MIB)) as pool:
        failure = Failure("took longer than 2 s", "TimeoutError", "pypdfium2", "timeout_s")
        assert pool.parse(samples / "endless.pdf") == failure
        assert isinstance(pool.parse(samples / "a.pdf"), ParsedDocument)


def test_a_pdf_that_exhausts_memory_fails_only_its_file(samples: Path) -> None:
    """PDFium may abort when an allocation fails."""
    with ParserPool(ParseLimits(memory_bytes=300 * MIB)) as pool:
        failure = pool.parse(samples / "endless.pdf")
        assert isinstance(failure, Failure)
        assert failure.exception_type in ("ProcessExpired", "MemoryError")
        assert isinstance(pool.parse(samples / "a.pdf"), ParsedDocument)


@pytest.mark.parametrize(("machine", "sharing"), [(500, 1), (1000, 4)])
def test_a_document_that_needs_more_memory_than_the_machine_has_is_reported(
    machine: int, sharing: int, hostile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "available_memory", lambda: machine * MIB)
    with ParserPool(LIMITS, parse=hostile.behave, sharing=sharing) as pool:
        failure = pool.parse(write_named(tmp_path, "eat"))
    assert isinstance(failure, Failure) and failure.limit == MEMORY_HERE
    assert f"{machine:,} MiB" in failure.reason


def test_each_page_of_ocr_has_its_own_time_limit(hostile: ModuleType, tmp_path: Path) -> None:
    with ParserPool(ParseLimits(timeout_s=2), parse=hostile.behave) as pool:
        assert isinstance(pool.parse(write_named(tmp_path, "read_slow_pages")), ParsedDocument)


def test_a_file_whose_child_was_killed_is_parsed_again(pool: ParserPool, tmp_path: Path) -> None:
    assert isinstance(pool.parse(write_named(tmp_path, "die_once")), ParsedDocument)


def test_a_child_killed_between_two_files_is_replaced(hostile: ModuleType, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with ParserPool(LIMITS, parse=hostile.behave) as pool:
        pool.parse(write_named(tmp_path, "good"))
        [child] = _leaves(set(psutil.Process().children(recursive=True)) - before)
        child.kill()
        psutil.wait_procs([child], timeout=10)
        assert pool._pool is not None
        while pool._pool.active:  # until pebble has noticed
            time.sleep(0.01)
        assert isinstance(pool.parse(write_named(tmp_path, "good")), ParsedDocument)


def test_closing_ends_a_child_that_hangs(hostile: ModuleType, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    pool = ParserPool(ParseLimits(timeout_s=300), parse=hostile.behave)
    pool._submit(write_named(tmp_path, "hang"))
    children = _leaves(wait_for_children(psutil.Process(), before))
    pool.close()
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_children_end_when_their_owner_is_killed(hostile: ModuleType, tmp_path: Path) -> None:
    """Even while a child hangs in C, and without running the owner's main module again."""
    runs = tmp_path / "runs"
    script = tmp_path / "owner.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(hostile.__file__ or "").parent)!r})
        with open({str(runs)!r}, "a") as stream:
            stream.write("run\\n")
        import hostile_parsers
        from ragops.corpus.documents.limits import ParseLimits
        from ragops.corpus.documents.sandbox import ParserPool
        pool = ParserPool(ParseLimits(timeout_s=300), parse=hostile_parsers.behave)
        pool.parse(Path({str(write_named(tmp_path, "hang"))!r}))
        """)
    )
    owner = subprocess.Popen([sys.executable, str(script)])
    children = wait_for_children(psutil.Process(owner.pid), set(), count=3)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert runs.read_text() == "run\n"


def _leaves(processes: set[psutil.Process]) -> list[psutil.Process]:
    """The parsing children, which the fork server started."""
    servers = {process.pid for process in processes}
    return [process for process in processes if process.ppid() in servers | _fork_servers()]


def _fork_servers() -> set[int]:
    mine = psutil.Process().children()
    return {process.pid for process in mine if "forkserver" in " ".join(process.cmdline())}
