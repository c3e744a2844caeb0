"""Garbage collection: removes old generations, vectors without a chunk, and vector tables of unused models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.corpus.index.generations.published_files import PASSAGES, index_root
from ragops.corpus.index.generations.rollback_and_cleanup import collect_garbage, list_generations
from ragops.corpus.index.locks.open import publish_lock
from ragops.platform.merge import merge
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace

PREFIX = "embeddings_"


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed: generations, tables of vectors, and single vectors."""

    generations: list[str]
    tables: list[str]
    vectors: int

    def __str__(self) -> str:
        """A one-line summary."""
        names = ", ".join([*self.generations, *self.tables]) or "nothing"
        return f"removed {names}, and {self.vectors:,} vectors whose text no longer exists"


def collect(workspace: Workspace, model: EmbeddingModel, keep: int) -> Collected:
    """Keeps `keep` generations, the live one and its predecessor, and the vectors of their models and of `model`.

    Raises:
        UserError: there is no index, or a publish is running.
    """
    root = index_root(workspace)
    generations = collect_garbage(root, keep, lock=publish_lock(workspace, PASSAGES), run_id="ragops index gc")
    used = {table.name: table for table in _tables_in_use(root, fingerprint(model))}
    schema = f"`{workspace.catalog}`.`{workspace.schema}`"
    listed = workspace.spark.sql(f"SHOW TABLES IN {schema} LIKE '{PREFIX}*'").collect()
    tables = [row["tableName"] for row in listed if row["tableName"] not in used]
    for name in tables:
        workspace.execute(f"DROP TABLE {workspace.table(name)}", "MANAGE", f"table {workspace.registered(name)}")
    return Collected(generations, tables, sum(_collect_vectors(workspace, table) for table in used.values()))


def _tables_in_use(root: Path, wanted: str) -> Iterator[Table]:
    """The vector tables of the remaining generations, and of `wanted`, which may not have a generation yet."""
    fingerprints = {one.manifest.model.fingerprint for one in list_generations(root)} | {wanted}
    return (embeddings_table(one) for one in sorted(fingerprints))


def _collect_vectors(workspace: Workspace, table: Table) -> int:
    table.create(workspace)
    vectors = table.read(workspace)
    gone = vectors.join(CHUNKS.read(workspace), "text_hash", "left_anti").select("text_hash")
    return merge(workspace, table, vectors.where("false"), replacing=gone).deleted if gone.count() else 0
