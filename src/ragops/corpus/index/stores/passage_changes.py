"""Changes to the passages of a generation that is being built."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from ragops.corpus.index.access import Groups
from ragops.corpus.index.passages import Entry, Vector
from ragops.corpus.index.stores.interface import batched
from ragops.corpus.index.stores.passage_table import create_tables, texts_with_groups, write_passages

_VECTORS_A_BATCH = 2000


class PassageChanges:
    """A passage file open for writing, by one process.

    Vectors of written passages are set aside in a temporary file, each text once, until all passages are written: only
    then is it known who may see a text. In memory, those of a million texts would take 1.5 GB.
    """

    def __init__(self, file: Path) -> None:
        """Opens the file, or creates it. An interrupted change leaves it unusable, since a draft has no use for it."""
        self._connection = sqlite3.connect(file)
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        create_tables(self._connection)
        self._connection.execute("ATTACH DATABASE '' AS aside")  # SQLite deletes a database without a name
        self._connection.execute("CREATE TABLE aside.vectors (text_hash TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def write(self, entries: Sequence[Entry]) -> None:
        """Writes whole passages, replacing earlier ones with the same id."""
        write_passages(self._connection, entries)
        rows = [(entry.text_hash, entry.vector.astype(np.float32).tobytes()) for entry in entries]
        self._connection.executemany("INSERT OR IGNORE INTO aside.vectors VALUES (?, ?)", rows)
        self._connection.commit()

    def delete(self, ids: Sequence[str]) -> None:
        """Removes passages; unknown ids are ignored."""
        listed = json.dumps(list(ids))
        self._connection.execute("DELETE FROM passages WHERE chunk_id IN (SELECT value FROM json_each(?))", (listed,))
        self._connection.commit()

    def texts(self) -> dict[str, Groups]:
        """The distinct texts, by hash, with the groups that may see at least one passage of each."""
        return texts_with_groups(self._connection.execute("SELECT DISTINCT text_hash, groups_key FROM passages"))

    def vectors(self, texts: Collection[str]) -> Iterator[list[tuple[str, Vector]]]:
        """The vectors of those of these texts that were written, in batches."""
        rows = self._connection.execute("SELECT text_hash, vector FROM aside.vectors ORDER BY text_hash")
        wanted = ((text_hash, np.frombuffer(blob, np.float32)) for text_hash, blob in rows if text_hash in texts)
        yield from batched(wanted, _VECTORS_A_BATCH)

    def close(self) -> None:
        """Closes the file; the vectors set aside are gone."""
        self._connection.close()
