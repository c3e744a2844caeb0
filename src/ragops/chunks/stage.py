"""`documents` -> `chunks`: documents that changed are split again; a chunk that only moved keeps its id."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import functions as F

from ragops.chunks.splitter import Chunk, ChunkSizes, split, splitter_fingerprint
from ragops.chunks.table import CHUNKS
from ragops.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.documents.table import DOCUMENTS
from ragops.tables import StageReport, difference, ids_frame, map_rows, merge
from ragops.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def refresh_chunks(workspace: Workspace, sizes: ChunkSizes, tokenizer: Path) -> StageReport:
    """Brings `chunks` into step with `documents`; `tokenizer` is the embedding model's tokenizer.json."""
    report = StageReport("chunks")
    with report.timed():
        CHUNKS.create(workspace)
        version = F.sha2(F.concat_ws("|", "path", "doc_hash", F.lit(splitter_fingerprint(sizes))), 256)
        readable = DOCUMENTS.read(workspace).where("reason IS NULL").withColumn("source_version", version)
        held = CHUNKS.read(workspace)
        wanted, known = _versions(readable, held)
        found = difference(wanted, known)
        report.read = len(wanted)
        if not found.none:
            changed = readable.join(ids_frame(workspace, "doc_id", found.changed), "doc_id", "left_semi")
            source = changed.select("doc_id", "path", "title", "markdown", "source_version")
            rows = map_rows(source, len(found.changed), split_documents(sizes, tokenizer), CHUNKS)
            old = held.join(ids_frame(workspace, "doc_id", found.stale), "doc_id", "left_semi")
            report.count(merge(workspace, CHUNKS, rows, replacing=old.select("chunk_id")))
    return report


def _versions(documents: DataFrame, chunks: DataFrame) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Versions wanted and held by doc_id, read in one query since each costs a round trip."""
    wanted = documents.select("doc_id", "source_version", F.lit(True).alias("is_wanted"))
    held = chunks.select("doc_id", "source_version", F.lit(False).alias("is_wanted")).distinct()
    rows = wanted.unionAll(held).collect()
    return (
        {row["doc_id"]: row["source_version"] for row in rows if row["is_wanted"]},
        [(row["doc_id"], row["source_version"]) for row in rows if not row["is_wanted"]],
    )


def split_documents(sizes: ChunkSizes, tokenizer: Path) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over batches of documents."""

    def split_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        count_tokens = _counter(tokenizer)
        for batch in batches:
            for document in batch.to_dict("records"):
                chunks = split(document["doc_id"], document["title"], document["markdown"], count_tokens, sizes)
                yield pd.DataFrame([_row(chunk, document) for chunk in chunks], columns=CHUNKS.names)

    return split_batches


@cache
def _counter(tokenizer: Path) -> TokenCounter:
    return tokenizer_counter(tokenizer)


def _row(chunk: Chunk, document: Mapping[Hashable, Any]) -> dict[str, object]:
    return {
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "ordinal": chunk.ordinal,
        "title": document["title"],
        "path": document["path"],
        "heading_path": list(chunk.heading_path),
        "text": chunk.text,
        "embedded_text": chunk.embedded_text,
        "tokens": chunk.tokens,
        "page": chunk.page,
        "text_hash": chunk.text_hash,
        "source_version": document["source_version"],
    }
