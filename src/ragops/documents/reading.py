"""Files to rows of `documents`, in Spark's workers. A file that does not hold still meanwhile yields no row."""

import hashlib
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd

from ragops.documents.landing import LandingFile, content_hash, is_passing, look_at
from ragops.documents.limits import ParseLimits
from ragops.documents.memory import SERVERLESS_UDF_BYTES, Place
from ragops.documents.outcomes import MEMORY_HERE, Failure, ParsedDocument
from ragops.documents.parsing import PARSER_VERSION
from ragops.documents.sandbox import ParserPool
from ragops.documents.table import DOCUMENTS

FILES = "doc_id STRING, path STRING, size_bytes BIGINT, modified_at TIMESTAMP, modified_us BIGINT"
_NOT_UTF_8 = re.compile(r"\\x[89a-f][0-9a-f]")
Row = dict[Hashable, object]


def as_row(file: LandingFile) -> tuple[object, ...]:
    """A listed file as a row of FILES. The time also as a number: pandas and Spark differ about zones."""
    return file.doc_id, file.path, file.size_bytes, file.modified_at, file.modified_us


@dataclass(frozen=True)
class Reader:
    """Reads files of one landing folder; `place`: where the driver is."""

    landing: Path
    limits: ParseLimits
    place: Place

    def parse_batches(self, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """What Spark runs over batches of FILES; each worker process keeps one pool of parsers."""
        pool = _pool(self.limits, SERVERLESS_UDF_BYTES if self.place.serverless and _in_spark_worker() else None)
        for batch in batches:
            for file in batch.to_dict("records"):
                if row := self._row(file, pool):
                    yield pd.DataFrame([row], columns=DOCUMENTS.names)

    def _row(self, file: Mapping[Hashable, object], pool: ParserPool) -> Row | None:
        """The file's row; None where it changed since it was listed, or does while it is read, or cannot be had now."""
        path = str(file["path"])
        try:
            before = look_at(self.landing, path)
            if (before.size_bytes, before.modified_us) != (file["size_bytes"], file["modified_us"]):
                return None
            parsed, digest = pool.parse(self.landing / path), _digest(self.landing / path)
            still = look_at(self.landing, path) == before
        except OSError as error:
            return _unreachable(file, error)
        if not still or (isinstance(parsed, Failure) and parsed.passing):
            return None
        about = self._quarantined(parsed) if isinstance(parsed, Failure) else _readable(parsed)
        return _common(file) | about | {"file_hash": digest, "changed_us": before.changed_us}

    def _quarantined(self, failure: Failure) -> Row:
        limit = failure.limit
        # The worker's memory is not known to the driver, which decides about another try: it compares its own.
        value = self.place.memory_bytes if limit == MEMORY_HERE else getattr(self.limits, limit) if limit else None
        return _failed(failure) | {"limit_met": limit, "limit_value": None if value is None else float(value)}


@cache
def _pool(limits: ParseLimits, place_bytes: int | None) -> ParserPool:
    return ParserPool(limits, place_bytes=place_bytes)


def _in_spark_worker() -> bool:
    from pyspark.taskcontext import TaskContext

    return TaskContext.get() is not None


def _digest(path: Path) -> str | None:
    """None where the file may not be read at all, which its quarantine says."""
    try:
        return content_hash(path)
    except OSError as error:
        if is_passing(error):
            raise
        return None


def _unreachable(file: Mapping[Hashable, object], error: OSError) -> Row | None:
    """None, for another try next time, unless the file can never be found by the name that tables hold."""
    if not _NOT_UTF_8.search(str(file["path"])):
        return None
    failure = Failure("cannot be read: its name is not UTF-8; rename it", type(error).__name__, "")
    return _common(file) | _failed(failure)


def _common(file: Mapping[Hashable, object]) -> Row:
    # Every column is there: a missing one would be a float NaN, which no STRING takes.
    row: Row = dict.fromkeys(DOCUMENTS.names)
    row |= {name: file[name] for name in ("doc_id", "path", "size_bytes", "modified_at")}
    return row | {"parser_version": PARSER_VERSION, "ingested_at": datetime.now(UTC)}


def _readable(parsed: ParsedDocument) -> Row:
    version = hashlib.sha256(f"{parsed.title}\n{parsed.markdown}".encode()).hexdigest()
    return {
        "title": parsed.title,
        "language": parsed.language,
        "format": parsed.format,
        "markdown": parsed.markdown,
        "pages": parsed.pages,
        "doc_hash": version,
        "parser": parsed.parser,
        "ocr": parsed.ocr,
    }


def _failed(failure: Failure) -> Row:
    return {"parser": failure.parser, "reason": failure.reason, "exception_type": failure.exception_type, "ocr": False}
