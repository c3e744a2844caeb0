"""Answers to people, with the documents that they are made from, and vectors and languages of a sample of questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents.metadata import detect_language
from ragops.corpus.embeddings.interface import Vectors
from ragops.monitoring.system.rows import Rows, read_rows
from ragops.platform.merge import ids_frame
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS, EVALUATION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Encode = Callable[[Sequence[str]], Vectors]

COLUMNS = (
    "answer_id", "asked_at", "who", "question", "abstained", "model", "prompt", "chain_name", "chain_version",
    "generation", "passages", "trace_id", "seconds", "groups", "evidence", "similarities", "support",
    "valid_citations", "removed_citations", "quoted", "failed", "queue_seconds", "rewrite_seconds",
    "retrieve_seconds", "generate_seconds", "check_seconds",
)  # fmt: skip
ADDED = ("paths", "language", "vector")
"""Columns that the table does not have: documents of the passages, and of a sample the question's language, such as
"en" or "unknown", and its vector; None where they were not looked for."""
MOST = 100_000
"""Rows; of more a sample."""
_RECENT_PART = 1 / 3  # of the sampled questions, at least


def read_answers(
    workspace: Workspace, since: datetime, now: datetime, recent_since: datetime, sampled: int, encode: Encode | None
) -> Rows:
    """Answers to people from `since` until now, with the columns `COLUMNS` and `ADDED`.

    Args:
        workspace: with the tables.
        since: where the baseline begins.
        now: where the recent window ends.
        recent_since: where it begins.
        sampled: how many questions get a vector and a language, at most.
        encode: the use case's encoder of questions; without it there are no vectors.

    Raises:
        NotPermitted: the current user may not read the tables.
    """
    found = read_rows(workspace, ANSWERS, time="asked_at", since=since, now=now, columns=COLUMNS, prepared=_people)
    frame = found.frame.assign(paths=pd.Series(_paths(workspace, found.frame), found.frame.index, dtype=object))
    return replace(found, frame=with_questions(frame, recent_since, sampled, encode))


def no_answers() -> pd.DataFrame:
    """No rows, with all columns."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in (*COLUMNS, *ADDED)})


def with_questions(frame: pd.DataFrame, recent_since: datetime, sampled: int, encode: Encode | None) -> pd.DataFrame:
    """The rows with languages and vectors of a random sample, at least a third of it from the recent window."""
    order = pd.util.hash_pandas_object(frame["answer_id"], index=False).sort_values().index
    is_recent = (frame["asked_at"] > recent_since).reindex(order) if len(frame) else pd.Series(dtype=bool)
    now, before = order[is_recent.to_numpy(bool)], order[~is_recent.to_numpy(bool)]
    taken_now = now[: max(int(sampled * _RECENT_PART), sampled - len(before))]
    chosen = taken_now.append(before[: sampled - len(taken_now)]) if sampled else order[:0]
    texts = frame.loc[chosen, "question"].tolist()
    found = frame.assign(language=None, vector=None).astype({"language": object, "vector": object})
    found.loc[chosen, "language"] = [detect_language(text) or "unknown" for text in texts]
    if encode is not None and texts:
        found["vector"] = pd.Series(list(encode(texts)), index=chosen, dtype=object).reindex(found.index)
        found["vector"] = found["vector"].where(found["vector"].notna(), None)
    return found


def _people(rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return rows.where(F.col("who") != EVALUATION).orderBy(F.xxhash64("answer_id")).limit(MOST)


def _paths(workspace: Workspace, answers: pd.DataFrame) -> list[list[str] | None]:
    """The documents of each answer's passages, each once, best first; those that the corpus lost are left out."""
    passages = answers["passages"]
    ids = sorted({chunk for chunks in passages if chunks is not None for chunk in chunks})
    if not ids or not workspace.spark.catalog.tableExists(workspace.table(CHUNKS.name)):
        return [None] * len(answers)
    wanted = ids_frame(workspace, "chunk_id", ids)
    rows = CHUNKS.read(workspace).join(wanted, "chunk_id", "left_semi").select("chunk_id", "path").toPandas()
    path_of = dict(zip(rows["chunk_id"], rows["path"], strict=True))
    return [
        None if chunks is None else list(dict.fromkeys(path_of[one] for one in chunks if one in path_of))
        for chunks in passages
    ]
