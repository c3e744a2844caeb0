"""`documents` -> `document_facts`: counts per document version, so that profiles are only sums.

Only documents that changed are read again. Rows are small; the texts are counted by Spark's workers, or on serverless
compute in child processes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import functions as F

from ragops.answers.llms.providers.token_counts import LlmCounter
from ragops.corpus.chunks.tokens import Counter, TokenCounter, tokenizer_counter
from ragops.corpus.documents.landing import content_hash
from ragops.corpus.documents.personal import KINDS, find_personal
from ragops.corpus.documents.table import DOCUMENTS
from ragops.errors import UserError
from ragops.exploration.minhash import band_hashes, signature
from ragops.exploration.text_counts import describe
from ragops.platform.merge import StageReport, merge
from ragops.platform.slices import DOCUMENTS_A_SLICE, document_slices, map_rows, of_documents
from ragops.platform.tables import Column, Table
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "CASE WHEN instr(path, '/') > 0 THEN substring_index(path, '/', 1) ELSE '(top)' END"
"""A document's source as SQL: the first folder of its path."""
FACTS_VERSION = "3"
"""Increased with every change of the counting: all documents are then counted again."""

FACTS = Table(
    name="document_facts",
    comment="What the job explore counts in each document: one row per readable document.",
    key="doc_id",
    cluster_by="doc_id",
    columns=(
        Column("doc_id", "STRING", "The document."),
        Column("version", "STRING", "Version of document, tokenizer and counting behind the row."),
        Column("tokens", "BIGINT", "Length in tokens of the embedding model."),
        Column("llm_tokens", "BIGINT", "Length in tokens of the answering language model."),
        Column("characters", "BIGINT", "Length of the Markdown in characters."),
        Column("words", "BIGINT", "Words of the prose."),
        Column("letters", "BIGINT", "Letters of those words."),
        Column("sentences", "BIGINT", "Sentences of the prose."),
        Column("headings", "INT", "Headings of any level."),
        Column("tables", "INT", "Tables."),
        Column("code_blocks", "INT", "Fenced blocks."),
        Column("garbled", "DOUBLE", "Share of garbled characters, from 0 to 1."),
        *(Column(kind, "INT", f"Number of {kind}, by a simple pattern.") for kind in KINDS),
        Column("signature", "ARRAY<BIGINT>", "MinHash signature of the text's runs of five words."),
        Column("bands", "ARRAY<BIGINT>", "Hashes of the signature's bands."),
    ),
)


def refresh_facts(
    workspace: Workspace, tokenizer: Path, count_llm: LlmCounter, most: int = DOCUMENTS_A_SLICE
) -> StageReport:
    """Updates `document_facts` to the present `documents`.

    Args:
        workspace: where the tables are.
        tokenizer: the embedding model's tokenizer.json.
        count_llm: counts as the language model does.
        most: documents in one MERGE, at most.

    Raises:
        UserError: there are no documents.
    """
    report = StageReport("document_facts")
    with report.timed():
        counted = f"{FACTS_VERSION}:{content_hash(tokenizer)[:8]}:{count_llm.model}"
        version = F.concat_ws(":", "doc_hash", F.lit(counted))
        wanted = readable(workspace).select("doc_id", "markdown", version.alias("version"))
        FACTS.create(workspace)
        known = FACTS.read(workspace).select("doc_id", "version")
        changed = wanted.join(known, ["doc_id", "version"], "left_anti")
        gone = known.join(wanted, "doc_id", "left_anti").select("doc_id")
        new = [row["doc_id"] for row in changed.select("doc_id").collect()]
        if new or not gone.isEmpty():
            function = CountDocuments(tokenizer_counter(tokenizer), count_llm)
            for number, ids in enumerate(document_slices(wanted, workspace, new, most), 1):
                rows = map_rows(of_documents(wanted, workspace, ids), len(ids), function, FACTS)
                report.count(merge(workspace, FACTS, rows, replacing=gone if number == 1 else None))
                report.read += len(ids)
                report.progress(number, report.read, len(new), "documents counted")
    return report


def readable(workspace: Workspace) -> DataFrame:
    """The documents that are not in quarantine, with their `source`.

    Raises:
        UserError: there are none.
    """
    schema = f"{workspace.catalog}.{workspace.schema}"
    if not workspace.spark.catalog.tableExists(workspace.table(DOCUMENTS.name)):
        raise UserError(f"documents: none in {schema}; run the job refresh")
    found = DOCUMENTS.read(workspace).where("markdown IS NOT NULL")
    if found.isEmpty():
        raise UserError(f"documents: none in {schema} could be read; list the reasons with: ragops documents")
    return found.withColumn("source", F.expr(SOURCE))


def with_facts(workspace: Workspace) -> DataFrame:
    """The readable documents without their text, with their counts."""
    return readable(workspace).drop("markdown").join(FACTS.read(workspace), "doc_id")


@dataclass(frozen=True)
class CountDocuments:
    """The function that Spark runs over batches of documents (doc_id, markdown, version)."""

    count_tokens: Counter
    count_llm: LlmCounter

    def __call__(self, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yields a row for each document."""
        for batch in batches:
            rows = [_row(document, self.count_tokens, self.count_llm) for document in batch.to_dict("records")]
            yield pd.DataFrame(rows, columns=FACTS.names)


def _row(document: Mapping[Hashable, Any], count_tokens: TokenCounter, count_llm: TokenCounter) -> dict[str, Any]:
    text = document["markdown"]
    sketch = signature(text)
    counted = asdict(describe(text)) | find_personal(text)
    identity = {"doc_id": document["doc_id"], "version": document["version"]}
    tokens = {"tokens": count_tokens([text])[0], "llm_tokens": count_llm([text])[0]}
    return identity | counted | tokens | {"signature": sketch, "bands": band_hashes(sketch)}
