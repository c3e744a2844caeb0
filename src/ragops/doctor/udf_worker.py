"""Checks inside a UDF, in Spark's Python worker: versions, packages, volumes, child processes, memory.

Sent to the worker by value (`udfs.py`), so that it can report that ragops is missing there: at the top it imports only
what every worker has, and it yields plain tuples with the fields of `findings.Finding`.
"""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pandas as pd

_MIB = 1 << 20
_CHILD_SECONDS = 60
_ON_DRIVER = "parse in the notebook's process"
Row = tuple[str, str, str, str]


def look(batches: Iterator[pd.DataFrame], landing: str, model: str, parses: bool) -> Iterator[pd.DataFrame]:
    """The function for mapInPandas: yields one frame with columns what, found, state, to_do.

    Args:
        batches: ignored.
        landing: the folder that parsers read.
        model: the embedding model, as JSON of `EmbeddingModel`.
        parses: whether documents are parsed in UDFs here, which makes what parsers need required.
    """
    for _ in batches:
        pass
    yield pd.DataFrame(
        _rows(landing, model, "missing" if parses else "unknown"), columns=["what", "found", "state", "to_do"]
    )


def allocate(batches: Iterator[pd.DataFrame], mebibytes: int) -> Iterator[pd.DataFrame]:
    """Allocates memory in a child process, which shows whether a UDF's limit counts its children."""
    for _ in batches:
        pass
    allocated = _python(f"len(b'x' * ({mebibytes} << 20))")
    yield pd.DataFrame([(f"a child process allocated {int(allocated) >> 20:,} MiB",)], columns=["found"])


def _rows(landing: str, model: str, for_parsers: str) -> list[Row]:
    checks: list[tuple[str, Callable[[], str], str, str]] = [
        ("process", _process, "unknown", ""),
        ("Python", _versions, "unknown", ""),
        ("ragops", _package, "missing", "install the wheel in the job's environment"),
        ("tokenizer", lambda: _tokenizer(model), "unknown", "not needed: tokenizers are sent by value"),
        (
            "landing folder",
            lambda: _folder(landing),
            for_parsers,
            "grant READ VOLUME, or write sample documents: ragops sample",
        ),
        ("child process", lambda: f"starts, Python {_python('sys.version.split()[0]')}", for_parsers, _ON_DRIVER),
        (
            "packages of a child",
            lambda: _python("__import__('ragops').__file__"),
            "unknown",
            "pass sys.path on to the child",
        ),
        ("semaphores", _semaphore, "unknown", "parsers work without them"),
        ("Unix sockets", _socket, "unknown", "parsers start one at a time"),
        ("signals of pipes", _signal, "unknown", "parsers end after their current file"),
        ("limit of a child", _limit, "unknown", "parsers run without a memory limit"),
        ("parsers", parse_one, for_parsers, _ON_DRIVER),
        ("memory", _memory, "unknown", ""),
        ("temporary folder", lambda: f"{_free(tempfile.gettempdir()):,} MiB free", "unknown", ""),
    ]
    return [_row(*check) for check in checks]


def _row(what: str, ask: Callable[[], str], otherwise: str, to_do: str) -> Row:
    try:
        return what, ask(), "ok", ""
    except Exception as error:
        return what, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", otherwise, to_do


def _process() -> str:
    runtime = os.environ.get("DATABRICKS_RUNTIME_VERSION") or "not Databricks"
    return f"pid {os.getpid()} on host {socket.gethostname()!r}; runtime {runtime}"


def _versions() -> str:
    return f"{platform.python_version()}, pandas {pd.__version__}, pyarrow {version('pyarrow')}"


def _package() -> str:
    import ragops

    return f"{version('ragops')} in {Path(str(ragops.__file__)).parent}"


def _tokenizer(model: str) -> str:
    from ragops.corpus.embeddings.model import EmbeddingModel, tokenizer_file

    found = tokenizer_file(EmbeddingModel.model_validate_json(model))
    return f"{found.stat().st_size >> 10:,} KiB in {found.parent}"


def _folder(landing: str) -> str:
    return f"{len(os.listdir(landing)):,} entries in {landing}"


def _python(expression: str) -> str:
    command = [sys.executable, "-c", f"import sys; print({expression})"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_CHILD_SECONDS)
    if done.returncode:
        raise OSError(f"exit code {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


def _semaphore() -> str:
    with multiprocessing.get_context("spawn").Semaphore(1):
        return f"work; {_free('/dev/shm'):,} MiB free in /dev/shm"


def _socket() -> str:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/s")
        return "work in the temporary folder"


def _signal() -> str:
    if sys.platform != "linux":
        return "only Linux has them"
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGURG)
        return "F_SETOWN and F_SETSIG work"
    finally:
        os.close(reading)
        os.close(writing)


def _limit() -> str:
    wanted = 4 << 30
    limit = f"__import__('resource').setrlimit(__import__('resource').RLIMIT_DATA, ({wanted}, {wanted}))"
    return f"RLIMIT_DATA can be set: {_python(limit)}".removesuffix(": None")


def parse_one() -> str:
    """Parses a small file in a child process, and reports the parsers' log: which calls are refused here.

    Raises:
        OSError: the file was not parsed.
    """
    from ragops.corpus.documents.limits import ParseLimits
    from ragops.corpus.documents.sandbox import ParserPool
    from ragops.corpus.documents.types import ParsedDocument

    listener, logger = _Listener(), logging.getLogger("ragops.corpus.documents")
    logger.addHandler(listener)
    try:
        with tempfile.TemporaryDirectory() as folder, ParserPool(ParseLimits()) as pool:
            file = Path(folder, "page.md")
            file.write_text("# A title\n\nA text.\n")
            outcome = pool.parse(file)
    finally:
        logger.removeHandler(listener)
    if not isinstance(outcome, ParsedDocument):
        raise OSError(outcome.reason)
    return "; ".join(["parse in a child process", *listener.messages])


class _Listener(logging.Handler):
    """Collects log messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collects one message."""
        self.messages.append(record.getMessage())


def _memory() -> str:
    from ragops.platform.compute import available_memory

    unit = 1024 if sys.platform == "linux" else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return f"{available_memory() // _MIB:,} MiB by cgroups and limits; peak of this process: {peak // _MIB:,} MiB"


def _free(folder: str) -> int:
    return shutil.disk_usage(folder).free // _MIB
