"""A generation's passages in one SQLite file: found by id, by text, and by their place in a document.

The vector store and the word index contain texts, each once. This file says which passages have a text, and which of
them a reader may see. Reading by key takes 0.1 ms; a metadata filter in Chroma took 30 ms at 100,000 passages.
"""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ragops.corpus.index.access import Groups, Reader, groups_from_key, groups_key, united, visible
from ragops.corpus.index.passages import Passage
from ragops.corpus.index.stores.interface import batched

COLUMNS = (
    "chunk_id",
    "doc_id",
    "text",
    "heading_path",
    "title",
    "path",
    "page",
    "ordinal",
    "text_hash",
    "groups_key",
)
_SELECTED = ", ".join(f"passages.{name}" for name in COLUMNS)
_LISTED = "(SELECT value FROM json_each(?))"
_PAGE_ROWS = 2000


class PassageTable:
    """The passages of one generation, open for reading. Thread-safe."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """`connection`: to a file with these tables; closed with this object."""
        self._connection, self._lock = connection, threading.Lock()
        keys = [key for (key,) in self._all("SELECT DISTINCT groups_key FROM passages")]
        self._groups = {key: groups_from_key(key) for key in keys}

    @classmethod
    def open(cls, file: Path) -> "PassageTable":
        """Opens a file that nobody changes any more. Raises sqlite3.Error if it is missing or damaged."""
        address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        return cls(sqlite3.connect(address, uri=True, check_same_thread=False))

    def count(self) -> int:
        """The number of passages."""
        return int(self._all("SELECT count(*) FROM passages")[0][0])

    def scan(self) -> Iterator[list[Passage]]:
        """All passages in the order of their ids, in pages of 2,000."""
        last = ""
        while rows := self._all(
            f"SELECT {_SELECTED} FROM passages WHERE chunk_id > ? ORDER BY chunk_id LIMIT {_PAGE_ROWS}", last
        ):
            yield [_passage(row) for row in rows]
            last = rows[-1][0]

    def texts_and_paths(self) -> Iterator[tuple[str, str]]:
        """Text and path of all passages, in no order; a third of the time that `scan` takes."""
        last = 0
        while rows := self._all(
            f"SELECT rowid, text, path FROM passages WHERE rowid > ? ORDER BY rowid LIMIT {_PAGE_ROWS}", last
        ):
            yield from (row[1:] for row in rows)
            last = rows[-1][0]

    def row_hashes(self) -> dict[str, str]:
        """Id -> row hash, computed from all rows (10 microseconds a row)."""
        return {passage.chunk_id: passage.row_hash for page in self.scan() for passage in page}

    def texts(self) -> dict[str, Groups]:
        """The distinct texts, by hash, with the groups that may see at least one passage of each."""
        return texts_with_groups(self._all("SELECT DISTINCT text_hash, groups_key FROM passages"))

    def text_of_each_document(self) -> set[str]:
        """For each document one of its texts; documents with the same texts give the same one."""
        return {text for (text,) in self._all("SELECT min(text_hash) FROM passages GROUP BY doc_id")}

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Passages in the order of `ids`; unknown ids are skipped."""
        rows = self._all(f"SELECT {_SELECTED} FROM passages WHERE chunk_id IN {_LISTED}", json.dumps(list(ids)))
        found = {row[0]: _passage(row) for row in rows}
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def of_texts(self, texts: Sequence[str], reader: Reader) -> list[Passage]:
        """For each text, in this order, the first passage by path that the reader may see; none if there is none."""
        rows = self._all(
            f"SELECT {_SELECTED} FROM json_each(?) AS wanted JOIN passages ON passages.chunk_id = ("
            "SELECT copy.chunk_id FROM passages AS copy "
            f"WHERE copy.text_hash = wanted.value AND copy.groups_key IN {_LISTED} "
            "ORDER BY copy.path, copy.ordinal, copy.chunk_id LIMIT 1) ORDER BY wanted.key",
            json.dumps(list(texts)),
            self._visible(reader),
        )
        return [_passage(row) for row in rows]

    def paths(self, texts: Sequence[str], reader: Reader) -> dict[str, list[str]]:
        """By text the sorted paths of all documents that contain it and that the reader may see."""
        rows = self._all(
            "SELECT DISTINCT text_hash, path FROM passages "
            f"WHERE text_hash IN {_LISTED} AND groups_key IN {_LISTED} ORDER BY path",
            json.dumps(list(texts)),
            self._visible(reader),
        )
        found: defaultdict[str, list[str]] = defaultdict(list)
        for text_hash, path in rows:
            found[text_hash].append(path)
        return dict(found)

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Passages of the same document and groups with these ordinals, in the document's order."""
        rows = self._all(
            f"SELECT {_SELECTED} FROM passages "
            f"WHERE doc_id = ? AND groups_key = ? AND ordinal IN {_LISTED} ORDER BY ordinal",
            passage.doc_id,
            groups_key(passage.groups),
            json.dumps(sorted(ordinals)),
        )
        return [_passage(row) for row in rows]

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _visible(self, reader: Reader) -> str:
        return json.dumps([key for key, groups in self._groups.items() if visible(groups, reader)])

    def _all(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates the table and its indexes, unless they exist."""
    connection.executescript(
        "CREATE TABLE IF NOT EXISTS passages (chunk_id TEXT PRIMARY KEY, doc_id TEXT NOT NULL, text TEXT NOT NULL, "
        "heading_path TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, page INTEGER, ordinal INTEGER NOT NULL, "
        "text_hash TEXT NOT NULL, groups_key TEXT NOT NULL);"
        "CREATE INDEX IF NOT EXISTS by_text ON passages (text_hash, path, ordinal, chunk_id, groups_key);"
        "CREATE INDEX IF NOT EXISTS by_place ON passages (doc_id, ordinal, groups_key);"
    )


def write_passages(connection: sqlite3.Connection, passages: Iterable[Passage]) -> None:
    """Writes whole rows, replacing earlier ones with the same id."""
    marks = ", ".join("?" * len(COLUMNS))
    statement = f"INSERT OR REPLACE INTO passages ({', '.join(COLUMNS)}) VALUES ({marks})"
    for some in batched(passages, _PAGE_ROWS):
        connection.executemany(statement, [_row(passage) for passage in some])
    connection.commit()


def texts_with_groups(rows: Iterable[tuple[Any, ...]]) -> dict[str, Groups]:
    """From pairs (text hash, groups key) of passages: each text with the groups that may see one of them."""
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for text_hash, key in rows:
        keys[text_hash].append(key)
    return {text_hash: united(map(groups_from_key, some)) for text_hash, some in keys.items()}


def _row(passage: Passage) -> tuple[Any, ...]:
    headings = json.dumps(passage.heading_path, ensure_ascii=False)
    values = {"heading_path": headings, "groups_key": groups_key(passage.groups)}
    return tuple(values[name] if name in values else getattr(passage, name) for name in COLUMNS)


def _passage(row: tuple[Any, ...]) -> Passage:
    values = dict(zip(COLUMNS, row, strict=True))
    groups = groups_from_key(values.pop("groups_key"))
    return Passage(**{**values, "heading_path": tuple(json.loads(values["heading_path"]))}, groups=groups)
