"""Parsing in child processes with a time and a memory limit, so that no file can stop or bloat the job."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from pebble import ProcessExpired, ProcessPool

from ragops.documents.children import ParserContext, death_of, parse_in_child, start_child
from ragops.documents.limits import ParseLimits
from ragops.documents.outcomes import Failure, Parse, ParsedDocument
from ragops.documents.parsing import parse, parser_name
from ragops.documents.sniffing import FORMATS

__all__ = ["Failure", "ParserPool"]

_GRACE_S = 30.0


@dataclass(frozen=True)
class _Attempt:
    path: Path
    pool: ProcessPool
    future: "Future[ParsedDocument | Failure]"


class ParserPool:
    """Children that parse: started with the first file, kept for the next ones, replaced when they die.

    All of them end with the process that owns the pool, even when that is killed. Not to be shared between threads.
    """

    def __init__(self, limits: ParseLimits, workers: int = 1, parse: Parse = parse) -> None:
        """Takes each document's limits, how many to parse at a time, and the importable function that parses."""
        self._limits = limits
        self._workers = workers
        self._parse = parse
        self._pool = self._new_pool()

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends the children, whatever they are doing."""
        self.close()

    def close(self) -> None:
        """Ends the children, whatever they are doing."""
        stop: Callable[[], None] = self._pool.stop  # pebble leaves it untyped
        stop()
        self._pool.join()

    def parse(self, path: Path) -> ParsedDocument | Failure:
        """The document, or why there is none.

        Raises:
            BrokenProcessPool: children cannot be started; never for what a file contains.
        """
        return self._outcome(self._submit(path))

    def parse_many(self, paths: Iterable[Path]) -> Iterator[tuple[Path, ParsedDocument | Failure]]:
        """Parses `workers` files at a time; yields in the order of `paths`, which are taken only as they are needed."""
        waiting = iter(paths)
        running = deque(self._submit(path) for path in islice(waiting, 2 * self._workers))
        while running:
            attempt = running.popleft()
            yield attempt.path, self._outcome(attempt)
            running.extend(self._submit(path) for path in islice(waiting, 1))

    def _new_pool(self) -> ProcessPool:
        context = ParserContext()
        context.set_forkserver_preload([__name__])
        limit = self._limits.memory_bytes
        return ProcessPool(self._workers, initializer=start_child, initargs=(limit,), context=context)

    def _submit(self, path: Path) -> _Attempt:
        try:
            return self._schedule(path)
        except RuntimeError:  # a child died between two files, by which pebble counts the whole pool as broken
            self._renew(self._pool)
            return self._schedule(path)

    def _schedule(self, path: Path) -> _Attempt:
        task = (self._parse, path, self._limits)
        future = self._pool.schedule(parse_in_child, args=task)
        return _Attempt(path, self._pool, future)

    def _renew(self, broken: ProcessPool) -> None:
        if self._pool is broken:
            self.close()
            self._pool = self._new_pool()

    def _outcome(self, attempt: _Attempt) -> ParsedDocument | Failure:
        """What the child answers. A child that dies is given the file once more: the kill may not be its fault."""
        try:
            return self._wait(attempt)
        except (ProcessExpired, BrokenProcessPool):
            attempt = self._submit(attempt.path)
        try:
            return self._wait(attempt)
        except ProcessExpired as death:
            return _failure(attempt.path, f"parser died: {_cause(death.exitcode)}", type(death).__name__)

    def _wait(self, attempt: _Attempt) -> ParsedDocument | Failure:
        abandoned = attempt.pool is not self._pool and not attempt.future.done()
        try:
            # The file before, and this one: a pool that has not answered by then is broken.
            return attempt.future.result(0 if abandoned else 2 * self._limits.longest_s + _GRACE_S)
        except TimeoutError as error:
            self._renew(attempt.pool)
            raise BrokenProcessPool("the pool of parsers does not answer") from error
        except ProcessExpired as death:
            limit = death_of(death.exitcode, self._limits)
            if limit is None:
                raise
            return _failure(attempt.path, *limit)


def _failure(path: Path, reason: str, exception_type: str) -> Failure:
    return Failure(reason, exception_type, parser_name(FORMATS.get(path.suffix.lower())))


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.strsignal(-exitcode) or f"signal {-exitcode}"
    return f"exit code {exitcode}"
