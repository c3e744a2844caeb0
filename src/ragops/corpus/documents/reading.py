"""Files to rows of `documents`, in this process or in Spark's workers. A file that changes while read gives no row."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pandas as pd

from ragops.corpus.documents.landing import LandingFile, content_hash, is_transient, listed_before, look_at
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import PARSER_VERSION
from ragops.corpus.documents.sandbox import ParserPool
from ragops.corpus.documents.table import DOCUMENTS, DocumentRow
from ragops.corpus.documents.types import MEMORY_HERE, Failure, ParsedDocument
from ragops.platform.processes import in_order

FILES = "path STRING, size_bytes BIGINT, modified_us BIGINT, earlier_tries INT"
# Files given to each child before the first one's row is taken: a scan takes as long as a thousand pages of text, and
# with 2 the other children waited for it.
_AHEAD = 16
_NOT_UTF_8 = re.compile(r"\\x[89a-f][0-9a-f]")
Row = dict[str, Any]


def as_row(file: LandingFile) -> tuple[str, int, int, int]:
    """A listed file as a row of FILES. The time is a number, since pandas and Spark treat time zones differently."""
    return file.path, file.size_bytes, file.modified_us, file.earlier_tries


@dataclass(frozen=True)
class Reader:
    """Reads files of one landing folder; `machine_bytes` is the memory of the driver's machine."""

    landing: Path
    limits: ParseLimits
    machine_bytes: int

    def parse_batches(self, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The function that Spark applies to batches of FILES; each worker process keeps one parser."""
        parsers = _of_worker(self.limits)
        for batch in batches:
            for listed in batch.itertuples(index=False):
                if row := self._row(listed_before(*listed), parsers):
                    yield pd.DataFrame([row], columns=DOCUMENTS.names)

    def read(self, files: Iterable[LandingFile], at_once: int) -> Iterator[Row | None]:
        """The row of each file, in order; None for a file that gives no row.

        Threads of this process wait for files, and a child process of each thread parses. Files are consumed as needed.
        Where no child can be started, the caller's thread parses one file after another: not every parser is
        thread-safe (PDFium is not), and only the main thread can interrupt one that takes too long.
        """
        parsers = _parsers(self.limits, at_once)
        first = parsers.get()
        try:
            if first.has_child():
                parsers.put(first)
                with ThreadPoolExecutor(at_once) as threads:
                    yield from in_order(lambda file: threads.submit(self._row, file, parsers), files, _AHEAD * at_once)
            else:
                single: SimpleQueue[ParserPool] = SimpleQueue()
                single.put(first)
                yield from (self._row(file, single) for file in files)
        finally:  # frees memory for the next stage
            while not parsers.empty():
                parsers.get().close()

    def _row(self, file: LandingFile, parsers: "SimpleQueue[ParserPool]") -> Row | None:
        """The file's row; None if it changed since it was listed or while it was read, or cannot be read now."""
        try:
            before = look_at(self.landing, file.path)
            if (before.size_bytes, before.modified_us) != (file.size_bytes, file.modified_us):
                return None
            parsed, digest = _parse(self.landing / file.path, parsers), _digest(self.landing / file.path)
            still = look_at(self.landing, file.path) == before
        except OSError as error:
            return _unreachable(file, error)
        if not still or (isinstance(parsed, Failure) and parsed.transient):
            return None
        about = self._quarantined(parsed) if isinstance(parsed, Failure) else _readable(parsed)
        return _row_of(file, file_hash=digest, changed_us=before.changed_us, **about)

    def _quarantined(self, failure: Failure) -> dict[str, object]:
        limit = failure.limit
        # The driver decides whether to retry without knowing the worker's memory, so it compares its own.
        value = self.machine_bytes if limit == MEMORY_HERE else getattr(self.limits, limit) if limit else None
        return _failed(failure) | {"limit_met": limit, "limit_value": None if value is None else float(value)}


@cache
def _of_worker(limits: ParseLimits) -> "SimpleQueue[ParserPool]":
    """Cached for the next batch: a Spark worker process receives one after another."""
    return _parsers(limits, 1)


def _parsers(limits: ParseLimits, at_once: int) -> "SimpleQueue[ParserPool]":
    """A queue of parsers; a caller takes one and puts it back."""
    parsers: SimpleQueue[ParserPool] = SimpleQueue()
    for _ in range(at_once):
        parsers.put(ParserPool(limits, sharing=at_once))
    return parsers


def _parse(path: Path, parsers: "SimpleQueue[ParserPool]") -> ParsedDocument | Failure:
    parser = parsers.get()
    try:
        return parser.parse(path)
    finally:
        parsers.put(parser)


def _digest(path: Path) -> str | None:
    """None if the file may not be read at all, for which it is quarantined."""
    try:
        return content_hash(path)
    except OSError as error:
        if is_transient(error):
            raise
        return None


def _unreachable(file: LandingFile, error: OSError) -> Row | None:
    """None, so that the next run tries again, unless the name that tables store can never be opened."""
    if not _NOT_UTF_8.search(file.path):
        return None
    failure = Failure("cannot be read: its name is not UTF-8; rename it", type(error).__name__, "")
    return _row_of(file, **_failed(failure))


def _row_of(file: LandingFile, **about: object) -> Row:
    values = {name: getattr(file, name) for name in ("doc_id", "path", "size_bytes", "modified_at")}
    now = datetime.now(UTC)
    values |= {"parser_version": PARSER_VERSION, "ingested_at": now, "checked_at": now, "tries": 1 + file.earlier_tries}
    return DocumentRow.model_validate(values | about).model_dump()


def _readable(parsed: ParsedDocument) -> dict[str, object]:
    version = hashlib.sha256(f"{parsed.title}\n{parsed.markdown}".encode()).hexdigest()
    return asdict(parsed) | {"doc_hash": version}


def _failed(failure: Failure) -> dict[str, object]:
    return {"parser": failure.parser, "reason": failure.reason, "exception_type": failure.exception_type, "ocr": False}
