"""`documents` -> `chunks`: changed documents are split again; a chunk that only moved keeps its id."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.chunks.splitter import Chunk, ChunkSizes, split, splitter_fingerprint
from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.corpus.chunks.tokens import Counter, tokenizer_counter
from ragops.corpus.documents.table import DOCUMENTS
from ragops.platform.merge import MergeCounts, StageReport, difference, merge
from ragops.platform.slices import DOCUMENTS_A_SLICE, document_slices, map_rows, of_documents
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def refresh_chunks(
    workspace: Workspace, sizes: ChunkSizes, tokenizer: Path, most: int = DOCUMENTS_A_SLICE
) -> StageReport:
    """Synchronizes `chunks` with `documents`, at most `most` documents per MERGE.

    `tokenizer` is the embedding model's tokenizer.json.
    """
    report = StageReport("chunks")
    with report.timed():
        CHUNKS.create(workspace)
        version = F.sha2(F.concat_ws("|", "path", "doc_hash", F.lit(splitter_fingerprint(sizes))), 256)
        readable = DOCUMENTS.read(workspace).where("reason IS NULL").withColumn("source_version", version)
        wanted, known = _versions(readable, CHUNKS.read(workspace))
        found = difference(wanted, known)
        report.read = len(wanted)
        if not found.none:
            stale, done = set(found.stale), 0
            function = SplitDocuments(sizes, tokenizer_counter(tokenizer))
            for number, ids in enumerate(document_slices(readable, workspace, found.changed, most), 1):
                replaced = stale.intersection(ids) | (stale - wanted.keys() if number == 1 else set())
                report.count(_replace(workspace, readable, ids, sorted(replaced), function))
                done += len(ids)
                report.progress(number, done, len(found.changed), "documents split")
    return report


def _replace(
    workspace: Workspace, readable: DataFrame, ids: list[str], stale: list[str], function: SplitDocuments
) -> MergeCounts:
    """Replaces the present chunks of the documents `stale` with new chunks of the documents `ids`."""
    columns = ("doc_id", "path", "title", "markdown", "source_version")
    changed = of_documents(readable, workspace, ids).select(*columns)
    rows = map_rows(changed, len(ids), function, CHUNKS)
    old = of_documents(CHUNKS.read(workspace), workspace, stale)
    return merge(workspace, CHUNKS, rows, replacing=old.select("chunk_id"))


def _versions(documents: DataFrame, chunks: DataFrame) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Versions by doc_id, wanted and stored, read in one query since each query costs a round trip."""
    wanted = documents.select("doc_id", "source_version", F.lit(True).alias("is_wanted"))
    stored = chunks.select("doc_id", "source_version", F.lit(False).alias("is_wanted")).distinct()
    rows = wanted.unionAll(stored).collect()
    return (
        {row["doc_id"]: row["source_version"] for row in rows if row["is_wanted"]},
        [(row["doc_id"], row["source_version"]) for row in rows if not row["is_wanted"]],
    )


@dataclass(frozen=True)
class SplitDocuments:
    """The function that splits batches of documents, in Spark's workers or in local processes."""

    sizes: ChunkSizes
    count_tokens: Counter

    def __call__(self, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yields the chunks of one document at a time."""
        for batch in batches:
            for document in batch.to_dict("records"):
                chunks = split(
                    document["doc_id"], document["title"], document["markdown"], self.count_tokens, self.sizes
                )
                yield pd.DataFrame([_row(chunk, document) for chunk in chunks], columns=CHUNKS.names)


def _row(chunk: Chunk, document: Mapping[Hashable, Any]) -> dict[str, Any]:
    about = {name: document[name] for name in ("title", "path", "source_version")}
    return ChunkRow(**asdict(chunk), **about).model_dump()
