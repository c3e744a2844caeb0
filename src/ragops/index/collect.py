"""Removes what nothing needs any more: old generations, vectors without a chunk, tables of models out of use."""

from __future__ import annotations

from dataclasses import dataclass

from ragops.chunks.stage import CHUNKS
from ragops.embeddings.model import short
from ragops.index.housekeeping import collect_garbage, list_generations
from ragops.index.stage import index_root
from ragops.workspace import Workspace

PREFIX = "embeddings_"


@dataclass(frozen=True, slots=True)
class Collected:
    """What went: generations, whole tables of vectors, and single vectors."""

    generations: list[str]
    tables: list[str]
    vectors: int

    def __str__(self) -> str:
        """One line."""
        names = ", ".join([*self.generations, *self.tables]) or "nothing"
        return f"removed {names}, and {self.vectors:,} vectors whose text is gone"


def collect(workspace: Workspace, keep: int) -> Collected:
    """Keeps `keep` generations, the live one, the one a rollback goes to, and the vectors of every model among them.

    Raises:
        UserError: there is no index, or somebody is publishing.
    """
    root = index_root(workspace)
    generations = collect_garbage(root, keep, run_id="ragops index gc")
    used = {PREFIX + short(one.manifest.model.fingerprint) for one in list_generations(root)}
    place = f"`{workspace.catalog}`.`{workspace.schema}`"
    listed = workspace.spark.sql(f"SHOW TABLES IN {place} LIKE '{PREFIX}*'").collect()
    tables = [row["tableName"] for row in listed if row["tableName"] not in used]
    for name in tables:
        workspace.spark.sql(f"DROP TABLE {workspace.table(name)}")
    return Collected(generations, tables, sum(_collect_vectors(workspace, name) for name in used))


def _collect_vectors(workspace: Workspace, table: str) -> int:
    done = workspace.spark.sql(
        f"DELETE FROM {workspace.table(table)} AS v WHERE NOT EXISTS "
        f"(SELECT 1 FROM {workspace.table(CHUNKS.name)} c WHERE c.text_hash = v.text_hash)"
    ).collect()
    return int(done[0]["num_affected_rows"])
