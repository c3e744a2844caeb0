"""Parsing in child processes with time and memory limits, so that no file can stop the job or exhaust its memory."""

import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pebble import ProcessExpired

from ragops.corpus.documents.child_process import death_of, failure_of, out_of_time, parse_in_child
from ragops.corpus.documents.limits import MemoryLimit, ParseLimits, memory_limit, memory_used
from ragops.corpus.documents.parsing import parse
from ragops.corpus.documents.pools import Outcome, Pool, ThisProcess, answer, start_pool
from ragops.corpus.documents.sniffing import FORMATS, IMAGES
from ragops.corpus.documents.types import MEMORY_HERE, Failure, Parse
from ragops.platform.compute import available_memory

__all__ = ["Failure", "ParserPool"]

_GRACE_S = 120.0  # for loading libraries before the time limit starts


@dataclass(frozen=True)
class _Attempt:
    path: Path
    pool: Pool
    future: "Future[Outcome]"


class ParserPool:
    """A child process that parses: started with the first file, reused for the next ones, replaced when it dies.

    It ends with the process that owns the pool, even if that is killed. For one thread at a time.
    Limits that a sandbox does not permit are skipped and logged.
    """

    def __init__(self, limits: ParseLimits, parse: Parse = parse, sharing: int = 1) -> None:
        """Creates a pool.

        Args:
            limits: of one document.
            parse: the parsing function, importable by the child.
            sharing: the number of pools that share the machine's memory.
        """
        self._limits = limits
        self._parse = parse
        self._sharing = sharing
        self._memory = MemoryLimit(limits.memory_bytes)
        self._pool: Pool | None = None

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends the child, even if it is parsing."""
        self.close()

    def close(self) -> None:
        """Ends the child, even if it is parsing."""
        if self._pool:
            self._pool.stop()
            self._pool.join()
            self._pool = None

    def parse(self, path: Path) -> Outcome:
        """Parses a file in the child.

        Raises:
            BrokenProcessPool: children cannot be started; never because of a file's content.
        """
        return self._outcome(self._submit(path))

    def has_child(self) -> bool:
        """Starts the pool; returns whether a child process parses (otherwise this process does)."""
        return not isinstance(self._started(), ThisProcess)

    def _started(self) -> Pool:
        if self._pool is None:
            self._memory = memory_limit(self._limits.memory_bytes, available_memory(), memory_used(), self._sharing)
            self._pool = start_pool(self._memory.limit_bytes)
        return self._pool

    def _submit(self, path: Path) -> _Attempt:
        try:
            return self._schedule(path)
        except RuntimeError:  # a child died between two files, after which pebble treats the whole pool as broken
            self.close()
            return self._schedule(path)

    def _schedule(self, path: Path) -> _Attempt:
        pool = self._started()
        future = pool.schedule(
            parse_in_child, args=(self._parse, path, self._limits), timeout=self._longest_s(path) + _GRACE_S
        )
        return _Attempt(path, pool, future)

    def _longest_s(self, path: Path) -> float:
        """Time after which a child should have ended itself; it may not be permitted to set a timer."""
        is_scan = FORMATS.get(path.suffix.lower()) in IMAGES | {"pdf"}
        return self._limits.longest_s if is_scan else self._limits.timeout_s

    def _renew(self, broken: Pool) -> None:
        if self._pool is broken:
            self.close()

    def _outcome(self, attempt: _Attempt) -> Outcome:
        """The child's answer. After a death the file is tried once more, since the file may not be the cause."""
        try:
            return self._wait(attempt)
        except (ProcessExpired, BrokenProcessPool):
            attempt = self._submit(attempt.path)
        try:
            return self._wait(attempt)
        except ProcessExpired as death:
            # SIGKILL usually comes from the kernel when memory runs out.
            limit = MEMORY_HERE if death.exitcode == -signal.SIGKILL else None
            return failure_of(attempt.path, f"parser died: {_cause(death.exitcode)}", type(death).__name__, limit)

    def _wait(self, attempt: _Attempt) -> Outcome:
        try:
            # Enough for the previous file and this one; a pool that has not answered by then is broken.
            return answer(attempt.pool, attempt.future, 2 * (self._limits.longest_s + _GRACE_S))
        except TimeoutError as error:
            if attempt.future.done():  # the pool has ended the child
                return out_of_time(attempt.path, self._longest_s(attempt.path))
            self._renew(attempt.pool)
            raise BrokenProcessPool("the pool of parsers does not answer") from error
        except ProcessExpired as death:
            failure = death_of(attempt.path, death.exitcode, self._limits, self._memory)
            if failure is None:
                raise
            return failure


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.strsignal(-exitcode) or f"signal {-exitcode}"
    return f"exit code {exitcode}"
