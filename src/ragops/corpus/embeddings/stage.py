"""`chunks` -> `embeddings_FINGERPRINT`: every text without a vector is embedded once.

The table's key is the hash of the embedded text, so equal passages of different documents share one vector, and a
passage that moved or returned keeps its own. A refresh never deletes vectors; `ragops.corpus.index.garbage` does.
Each model's fingerprint has its own table, so vectors of two models are never mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.embeddings.interface import EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, short
from ragops.corpus.embeddings.vectors import TEXTS_A_SLICE, vectors
from ragops.platform.merge import StageReport, merge
from ragops.platform.tables import Column, Table
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def embeddings_table(model_fingerprint: str) -> Table:
    """The table of one model's vectors."""
    return Table(
        name=f"embeddings_{short(model_fingerprint)}",
        comment=f"Vectors by text, of the embedding model with fingerprint {model_fingerprint}.",
        key="text_hash",
        cluster_by="text_hash",
        informative=("embedded_at",),
        columns=(
            Column("text_hash", "STRING", "SHA-256 of the text that was embedded."),
            Column("embedding", "ARRAY<FLOAT>", "The vector."),
            Column("embedded_at", "TIMESTAMP", "When it was computed."),
        ),
    )


def texts_to_embed(workspace: Workspace, model: EmbeddingModel) -> DataFrame:
    """Distinct texts (text_hash, embedded_text) that have no vector of this model yet."""
    table = embeddings_table(fingerprint(model))
    table.create(workspace)
    texts = CHUNKS.read(workspace).select("text_hash", "embedded_text")
    # Duplicates are removed last, since few rows are left then.
    pending = texts.join(table.read(workspace).select("text_hash"), "text_hash", "left_anti")
    return pending.dropDuplicates(["text_hash"])


def refresh_embeddings(
    workspace: Workspace, model: EmbeddingModel, source: EncoderSource, most: int = TEXTS_A_SLICE
) -> StageReport:
    """Embeds texts without a vector, about `most` per MERGE, on all GPUs or cores of the cluster."""
    report = StageReport("embeddings")
    with report.timed():
        pending = texts_to_embed(workspace, model)
        report.read = pending.count()
        if report.read:
            for number, rows in enumerate(vectors(workspace, pending, report.read, model, source, most), 1):
                report.count(merge(workspace, embeddings_table(fingerprint(model)), rows))
                report.progress(number, report.added, report.read, "texts embedded")
    return report
