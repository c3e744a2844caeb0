"""`chunks` and their vectors -> the next index generation, verified before the pointer moves to it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.corpus.index.access import AccessRule, GroupsOf, groups_of, rules_digest
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import (
    CHROMA,
    IndexedModel,
    differing,
    file_digests,
    read_manifest,
)
from ragops.corpus.index.generations.publish import IndexSource, RecallGuard, publish
from ragops.corpus.index.generations.published_files import PASSAGES, PublishedIndex, index_root
from ragops.corpus.index.generations.verify import (
    CHANGED_FILES,
    SAMPLED_TEXTS,
    VerifyReport,
    outdated_report,
    problem_report,
    sample_ids,
    verify_generation,
)
from ragops.corpus.index.locks.open import publish_lock
from ragops.corpus.index.passages import ROW_HASH_SQL, Entry, entries_from_frame, restricted_hash
from ragops.corpus.index.stores.interface import batched
from ragops.corpus.index.stores.terms_version import terms_version
from ragops.errors import UserError
from ragops.platform.merge import StageReport
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

# Rows fetched from Spark at a time: with 384 numbers each, 30 MB.
ROWS_A_FETCH = 20_000
WAIT_FOR_LOCK_SECONDS = 180.0


def publish_index(
    workspace: Workspace,
    model: EmbeddingModel,
    rules: Sequence[AccessRule],
    guard: RecallGuard | None = None,
    run_id: str = "manual",
    languages: Sequence[str] = (),
) -> StageReport:
    """Makes the live index equal to `chunks` with their vectors and these access rules; does nothing if it already is.

    Args:
        workspace: with the tables.
        model: the embedding model.
        rules: who may see which documents.
        guard: stops a publish whose recall drops.
        run_id: identifies this publisher to others that wait for it.
        languages: ISO 639-1 codes of the documents' languages, in which words are stemmed.

    Raises:
        UserError: chunks have no vector, another publisher is running, or the generation fails its checks. The old
            generation stays live.
    """
    report = StageReport("index")
    with report.timed():
        source = index_source(workspace, model, rules, languages)
        done = publish(
            index_root(workspace),
            source,
            lock=publish_lock(workspace, PASSAGES),
            run_id=run_id,
            wait_seconds=WAIT_FOR_LOCK_SECONDS,
            recall_guard=guard,
        )
        _name_live_vectors(workspace, source.model.fingerprint)
        report.read, report.added, report.changed, report.deleted = done.rows, done.added, done.updated, done.removed
        report.note = f"{'published' if done.published else 'nothing to publish, live:'} {done.generation}"
    return report


def index_source(
    workspace: Workspace, model: EmbeddingModel, rules: Sequence[AccessRule], languages: Sequence[str] = ()
) -> IndexSource:
    """The rows that the index must contain, as publish and verify read them.

    `rows` raises UserError if a vector is missing, or if rules leave no group that may see a document.
    """
    embeddings_table(fingerprint(model)).create(workspace)
    version = _version(workspace, model)  # read before the rows, so at worst it is older
    frame, of = _with_vectors(workspace, model), groups_of(rules)
    return IndexSource(
        model=IndexedModel(
            fingerprint=fingerprint(model), name=model.name, dimension=model.dimension, spec=model.model_dump()
        ),
        version=f"{version} access@{rules_digest(rules)}" if rules else version,
        rows=partial(_row_hashes, workspace, model, of),
        fetch=partial(_entries, workspace, frame, of),
        access=rules_digest(rules),
        languages=tuple(languages),
    )


def verify_index(
    workspace: Workspace, model: EmbeddingModel, rules: Sequence[AccessRule], languages: Sequence[str]
) -> VerifyReport:
    """Compares the live generation's published files with the tables, and their bytes with its manifest.

    Args:
        workspace: with the tables.
        model: the embedding model.
        rules: who may see which documents.
        languages: ISO 639-1 codes of the documents' languages, in which words must be stemmed.

    Raises:
        UserError: there is no index, or it cannot be opened.
    """
    index = PublishedIndex(index_root(workspace))
    manifest = index.manifest(index.pointer().generation)
    if manifest.outdated:
        return outdated_report(manifest)
    try:
        with opened_copy(index, manifest.name) as generation:
            return verify_opened(index, generation, index_source(workspace, model, rules), languages)
    except ChangedGraph as error:
        return problem_report(manifest, error.problem)


def verify_opened(
    index: PublishedIndex, generation: Generation, source: IndexSource, languages: Sequence[str]
) -> VerifyReport:
    """As `verify_index`, for a generation that is open already. Raises UserError if chunks have no vector."""
    wanted = source.rows()
    sample = [entry for batch in source.fetch(sample_ids(wanted, SAMPLED_TEXTS, source.version)) for entry in batch]
    changed = index.changed_files(generation.manifest)
    return verify_generation(generation, wanted, sample, source.model.fingerprint, changed, terms_version(languages))


class ChangedGraph(UserError):
    """The graph of a generation's vectors is not as it was published.

    Attributes:
        problem: what was changed.
    """

    def __init__(self, generation: str, problem: str) -> None:
        super().__init__(f"index generation {generation}: {problem}; run the refresh job, which publishes it again")
        self.problem = problem


@contextmanager
def opened_copy(index: PublishedIndex, name: str) -> Iterator[Generation]:
    """A generation opened in a copy of its own, which is removed afterwards: Chroma writes into what it opens.

    Raises:
        ChangedGraph: a file of its graph of vectors was changed.
        UserError: a file is missing or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="ragops-verify-") as folder:
        copy = index.copy(name, Path(folder))
        _check_graph(copy, name)
        generation = Generation.open(copy)
        try:
            yield generation
        finally:
            generation.close()


def _check_graph(copy: Path, name: str) -> None:
    """Over a damaged graph of vectors Chroma's native code ends the whole process (SIGSEGV), which nothing can catch.

    Raises:
        ChangedGraph: a file of the graph is not as it was published.
    """
    graphs = [folder for folder in (copy / CHROMA).glob("*") if folder.is_dir()]
    found = {
        (folder / file).relative_to(copy).as_posix(): digest
        for folder in graphs
        for file, digest in file_digests(folder).items()
    }
    recorded = {
        file: value for file, value in read_manifest(copy).files.items() if PurePath(file).match(f"{CHROMA}/*/*")
    }
    if changed := differing(found, recorded):
        raise ChangedGraph(name, f"{len(changed)} {CHANGED_FILES} ({min(changed)}), so it was not opened")


def _with_vectors(workspace: Workspace, model: EmbeddingModel) -> DataFrame:
    vectors = embeddings_table(fingerprint(model)).read(workspace)
    return CHUNKS.read(workspace).join(vectors.select("text_hash", "embedding"), "text_hash", "left")


def _version(workspace: Workspace, model: EmbeddingModel) -> str:
    """A version that changes with every commit to a source table; reads no rows."""
    tables = (CHUNKS.name, embeddings_table(fingerprint(model)).name)
    details = [_reported(workspace, "DESCRIBE DETAIL", name)[0] for name in tables]
    return " ".join(f"{detail['id']}@{detail['lastModified'].isoformat()}" for detail in details)


def _reported(workspace: Workspace, statement: str, name: str) -> list[Row]:
    """The result of a statement that describes a table."""
    on = f"table {workspace.registered(name)}"
    return workspace.execute(f"{statement} {workspace.table(name)}", "SELECT", on).collect()


def _row_hashes(workspace: Workspace, model: EmbeddingModel, of: GroupsOf) -> Mapping[str, str]:
    """Row hashes by id, from the texts alone: vectors are most of both tables' bytes."""
    from pyspark.sql import functions as F

    known = embeddings_table(fingerprint(model)).read(workspace).select("text_hash", F.lit(True).alias("embedded"))
    hashed = CHUNKS.read(workspace).selectExpr("chunk_id", "path", "text_hash", f"{ROW_HASH_SQL} AS row_hash")
    joined = hashed.join(known, "text_hash", "left")
    rows = joined.selectExpr("chunk_id", "path", "row_hash", "embedded IS NULL AS pending").toPandas()
    if pending := int(rows["pending"].sum()):
        raise UserError(
            f"index: {pending:,} chunks in {workspace.schema} have no vector; "
            "run the refresh job, whose embed task computes them"
        )
    hashes = zip(rows["chunk_id"], rows["path"], rows["row_hash"], strict=True)
    return {chunk_id: restricted_hash(row_hash, of(path)) for chunk_id, path, row_hash in hashes}


def _entries(workspace: Workspace, frame: DataFrame, of: GroupsOf, ids: Sequence[str]) -> Iterator[list[Entry]]:
    for some in batched(ids, ROWS_A_FETCH):
        wanted = workspace.spark.createDataFrame([(chunk_id,) for chunk_id in some], "chunk_id STRING")
        yield entries_from_frame(frame.join(wanted, "chunk_id", "left_semi").toPandas(), of)


def _name_live_vectors(workspace: Workspace, model_fingerprint: str) -> None:
    """Points the view `embeddings` to the live model's vectors, unless it does already."""
    view = workspace.table("embeddings")
    if workspace.spark.catalog.tableExists(view):
        properties = {row["key"]: row["value"] for row in _reported(workspace, "SHOW TBLPROPERTIES", "embeddings")}
        if properties.get("ragops.fingerprint") == model_fingerprint:
            return
    vectors = workspace.table(embeddings_table(model_fingerprint).name)
    workspace.execute(
        f"CREATE OR REPLACE VIEW {view} COMMENT 'Chunks with the vectors of the live index.' "
        f"TBLPROPERTIES ('ragops.fingerprint' = '{model_fingerprint}') AS "
        f"SELECT c.*, e.embedding FROM {workspace.table(CHUNKS.name)} c JOIN {vectors} e USING (text_hash)",
        "CREATE TABLE (and MANAGE on the view embeddings, if it exists)",
        f"schema {workspace.catalog}.{workspace.schema}",
    )
