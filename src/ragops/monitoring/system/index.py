"""The live generation of the index, compared with the tables, with its encoder and with the generation before it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.embeddings.interface import Encoder, Vectors
from ragops.corpus.embeddings.model import fingerprint
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import MANIFEST, Manifest
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.corpus.index.generations.verify import VerifyReport
from ragops.corpus.index.passages import Vector
from ragops.corpus.index.stage import index_source, opened_copy, verify_opened
from ragops.errors import UserError
from ragops.monitoring.finding import Unreadable
from ragops.monitoring.system.documents import WaitingFile
from ragops.monitoring.system.golden import Golden, Recall
from ragops.monitoring.system.rows import moment
from ragops.platform.merge import ids_frame
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import Workspace
from ragops.quality.questions import Question
from ragops.text import reason
from ragops.usecase import UseCase

Encode = Callable[[Sequence[str]], Vectors]

ENCODED_AGAIN = 16
"""Texts that are encoded again, to see whether the encoder still is the one that wrote their vectors."""
# Between a GPU in fp32 and a CPU in int8 the cosine of one text's vectors is above 0.98; of two models it is near 0.
_SAME_ENCODER_COSINE = 0.9
_LOOKED_UP = 10_000  # passages whose documents are looked up


@dataclass(frozen=True)
class IndexState:
    """What is known of the live generation.

    Attributes:
        wanted_fingerprint: of the use case's encoder.
        generation: its name; "" before the first one is published, or if no pointer can be read.
        problem: why it cannot be searched; "" if it can.
        rows: passages that its manifest counts.
        published_at: when it became the live one.
        built_at: when it was built.
        fingerprint: of the encoder that it was built with.
        encoder: the name of that.
        previous: the generation that was live before.
        newest: the newest complete generation, which is the live one unless somebody rolled back.
        newest_built_at: when that one was built.
        verified: what differs from the tables; None if that could not be examined.
        not_verified: why it could not.
        files_changed_at: when the newest of those of its files was written that are not as they were published.
        tables_changed_at: the last commit to the tables that it is made from.
        unpublished: documents that the tables have, and searches do not find yet.
        encoded: texts that were encoded again.
        encoded_otherwise: those of them whose vector in the index is another one.
        recall: of the golden questions; None without questions, or if the encoder cannot be loaded.
        not_measured: why recall was not measured; "" if it was, or if there are no questions.
    """

    wanted_fingerprint: str
    generation: str = ""
    problem: str = ""
    rows: int = 0
    published_at: datetime | None = None
    built_at: datetime | None = None
    fingerprint: str = ""
    encoder: str = ""
    previous: str | None = None
    newest: str = ""
    newest_built_at: datetime | None = None
    verified: VerifyReport | None = None
    not_verified: str = ""
    files_changed_at: datetime | None = None
    tables_changed_at: datetime | None = None
    unpublished: tuple[WaitingFile, ...] = ()
    encoded: int = 0
    encoded_otherwise: int = 0
    recall: Recall | None = None
    not_measured: str = ""


def read_index(
    workspace: Workspace, use_case: UseCase, questions: Sequence[Question], encoder: Encoder | Unreadable | None
) -> IndexState:
    """Examines the live generation: reads all of its files once.

    Args:
        workspace: with the index and the tables.
        use_case: names encoder, access rules and languages.
        questions: the golden ones.
        encoder: the use case's; without it neither vectors nor recall are measured.

    Raises:
        UserError: the volume or the tables cannot be read.
    """
    index = PublishedIndex(index_root(workspace))
    newest = next(reversed(index.manifests()), None)
    state = IndexState(
        fingerprint(use_case.embedding),
        newest=newest.name if newest else "",
        newest_built_at=newest.built_at if newest else None,
    )
    try:
        pointer = index.find_pointer()
        if pointer is None:
            return state
        state = replace(
            state, generation=pointer.generation, published_at=pointer.published_at, previous=pointer.previous
        )
        manifest = index.manifest(pointer.generation)
        manifest.check_format()
    except UserError as error:  # damaged, missing or outdated
        return replace(state, problem=str(error))
    state = replace(
        state,
        rows=manifest.count,
        built_at=manifest.built_at,
        fingerprint=manifest.model.fingerprint,
        encoder=manifest.model.name,
        files_changed_at=_written_at(index, manifest),
        tables_changed_at=_tables_changed_at(workspace, use_case),
    )
    try:
        with opened_copy(index, manifest.name) as generation:
            return _examined(state, workspace, use_case, index, generation, questions, encoder)
    except UserError as error:
        return replace(state, problem=str(error))


def _examined(
    state: IndexState,
    workspace: Workspace,
    use_case: UseCase,
    index: PublishedIndex,
    generation: Generation,
    questions: Sequence[Question],
    encoder: Encoder | Unreadable | None,
) -> IndexState:
    state = _verified(state, workspace, use_case, index, generation)
    if state.verified and state.built_at:
        ids = [*state.verified.missing, *state.verified.different]
        state = replace(state, unpublished=_unpublished(workspace, ids, state.built_at))
    if encoder is None or state.fingerprint != state.wanted_fingerprint:
        return state
    if isinstance(encoder, Unreadable):
        return replace(state, not_measured=encoder.reason)
    again, otherwise = _encoded_again(workspace, generation, encoder.encode_documents)
    golden = Golden(questions, encoder.encode_queries)
    recall = golden.recall(generation)
    before = _before(index, state)
    if recall and before and before.model.fingerprint == state.fingerprint and not before.outdated:
        with suppress(UserError), opened_copy(index, before.name) as earlier:  # somebody may remove it meanwhile
            recall = recall.compared(before.name, golden.found(earlier))
    return replace(state, encoded=again, encoded_otherwise=otherwise, recall=recall)


def _verified(
    state: IndexState, workspace: Workspace, use_case: UseCase, index: PublishedIndex, generation: Generation
) -> IndexState:
    if state.fingerprint != state.wanted_fingerprint:
        return replace(state, not_verified="it was built with another encoder")
    try:
        source = index_source(workspace, use_case.embedding, use_case.corpus.access)
        return replace(state, verified=verify_opened(index, generation, source, use_case.corpus.languages))
    except Exception as error:  # chunks without vectors; Chroma and SQLite raise any type on damaged files
        ids = _without_vector(workspace, use_case)
        waiting = _unpublished(workspace, ids, state.built_at) if state.built_at else ()
        return replace(state, not_verified=reason(error), unpublished=waiting)


def _without_vector(workspace: Workspace, use_case: UseCase) -> list[str]:
    """Passages of the tables that no task has embedded yet: with any of them the index cannot be compared."""
    table = embeddings_table(fingerprint(use_case.embedding))
    if not all(workspace.spark.catalog.tableExists(workspace.table(name)) for name in (CHUNKS.name, table.name)):
        return []
    vectors = table.read(workspace).select("text_hash")
    rows = CHUNKS.read(workspace).join(vectors, "text_hash", "left_anti").select("chunk_id").limit(_LOOKED_UP)
    return [row["chunk_id"] for row in rows.collect()]


def _before(index: PublishedIndex, state: IndexState) -> Manifest | None:
    """The generation before the live one, which a rollback leaves for an earlier one than that."""
    earlier = [one for one in index.manifests() if one.name < state.generation]
    return earlier[-1] if earlier else None


def _written_at(index: PublishedIndex, manifest: Manifest) -> datetime | None:
    """When the newest file was written that was written after the manifest, which is the last one of a publish."""
    folder = index.folder(manifest.name)
    files = {path: one for path, one in volume_files(index.root).walk(folder) if not one.is_folder}
    sealed = files[folder / MANIFEST].modified
    later = [one.modified for one in files.values() if one.modified > sealed]
    return max(later, default=None)


def _tables_changed_at(workspace: Workspace, use_case: UseCase) -> datetime | None:
    from pyspark.sql import functions as F

    times = []
    for name in (CHUNKS.name, embeddings_table(fingerprint(use_case.embedding)).name):
        if workspace.spark.catalog.tableExists(workspace.table(name)):
            on = f"table {workspace.registered(name)}"
            detail = workspace.execute(f"DESCRIBE DETAIL {workspace.table(name)}", "SELECT", on)
            times.append(moment(detail.select(F.unix_micros("lastModified")).collect()[0][0]))
    return max(times, default=None)


def _unpublished(workspace: Workspace, ids: Collection[str], built_at: datetime) -> tuple[WaitingFile, ...]:
    """Documents of these passages that were ingested after the index was built."""
    from pyspark.sql import functions as F

    if not ids:
        return ()
    asked = ids_frame(workspace, "chunk_id", sorted(ids)[:_LOOKED_UP])
    documents = CHUNKS.read(workspace).join(asked, "chunk_id", "left_semi").select("doc_id").distinct()
    rows = (
        DOCUMENTS.read(workspace).join(documents, "doc_id", "left_semi").where(F.col("ingested_at") > F.lit(built_at))
    )
    changed = F.coalesce("changed_us", F.unix_micros("modified_at")).alias("at")
    return tuple(WaitingFile(row["path"], moment(row["at"]), True) for row in rows.select("path", changed).collect())


def _encoded_again(workspace: Workspace, generation: Generation, encode: Encode) -> tuple[int, int]:
    """How many texts were encoded again, and of how many the index has another vector."""
    known = sorted(generation.table.texts())
    some = random.Random(generation.manifest.source_version).sample(known, min(ENCODED_AGAIN, len(known)))
    asked = ids_frame(workspace, "text_hash", some)
    rows = CHUNKS.read(workspace).join(asked, "text_hash", "left_semi").select("text_hash", "embedded_text")
    found = rows.dropDuplicates(["text_hash"]).collect()
    texts = {row["text_hash"]: row["embedded_text"] for row in found}
    stored = {one.text_hash: one.vector for one in generation.store.get(sorted(texts))}
    if not stored:
        return 0, 0
    vectors = encode([texts[key] for key in stored])
    cosines = [_cosine(one, other) for one, other in zip(stored.values(), vectors, strict=True)]
    return len(cosines), sum(cosine < _SAME_ENCODER_COSINE for cosine in cosines)


def _cosine(one: Vector, other: Vector) -> float:
    if one.shape != other.shape:
        return 0.0
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
