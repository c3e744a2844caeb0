"""What the monitor would read of a simulated world, without tables: for hundreds of runs over healthy systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

import numpy as np
import pandas as pd

from ragops.corpus.embeddings.interface import Vectors
from ragops.monitoring.system import answers as answered
from ragops.monitoring.system import changes, use
from ragops.monitoring.system.rows import TableState
from ragops.monitoring.system.system import System
from tests.sabotage.traffic import Traffic, traffic
from tests.sabotage.world import Recorded, World

Encode = Callable[[Sequence[str]], Vectors]
_NOT_OF_USE = ("deployment", "generation", "corpus", "encoder", "parser", "question_set")
_OTHER_WORDS = 0.35
"""Length of the difference between the vectors of a question and of the same in other words, as encoders have it."""


def seen(system: System, world: World, encode: Encode, made: Traffic | None = None) -> System:
    """The system with what happened in the world instead of the rows that it has.

    Args:
        system: as it was read of the healthy system.
        world: at any time.
        encode: the vectors of questions.
        made: what happened, if it is more than the world tells.
    """
    made = made or traffic(world)
    found = replace(system, now=world.now)
    frame = _frame(made.answers, answered.COLUMNS)
    tables: tuple[TableState, ...] = (_state("answers", frame["asked_at"], found),)
    frame = _since(frame[frame["who"] != "evaluation"], "asked_at", found)
    paths = paths_of([*world.service.recordings, *(one for _, after, _ in world.after for one in after.recordings)])
    documents = [list(dict.fromkeys(paths[one] for one in ids if one in paths)) for ids in frame["passages"]]
    frame = frame.assign(paths=pd.Series(documents, index=frame.index, dtype=object))
    sampled = found.use_case.monitoring.sampled_questions
    frame = answered.with_questions(frame, found.recent_since, sampled, encode)
    called = _frame(made.calls, use.CALL_COLUMNS)
    tables = (*tables, _state("llm_calls", called["called_at"], found))
    calls = _since(called, "called_at", found)
    feedback = _since(_frame(made.feedback, use.FEEDBACK_COLUMNS), "given_at", found)
    judgments = _since(_frame(made.judgments, use.JUDGMENT_COLUMNS), "judged_at", found)
    judged = use.with_askers(judgments, frame)
    others = tuple(one for one in system.changes if one.kind in _NOT_OF_USE)
    of_use = [
        *changes.answer_changes(frame),
        *changes.call_changes(calls, found.use_case.models.known),
        *changes.judge_changes(judged),
    ]
    return replace(
        found,
        answers=frame,
        calls=calls,
        feedback=feedback,
        judgments=judged,
        tables=tables,
        changes=changes.sorted_changes((*others, *of_use)),
    )


def _state(table: str, times: pd.Series, system: System) -> TableState:
    ahead = times[times > system.now]
    return TableState(table, future=len(ahead), newest=ahead.max().to_pydatetime() if len(ahead) else None)


def paths_of(recordings: Sequence[Recorded]) -> Mapping[str, str]:
    """The path of each passage that the chain was given, by chunk id."""
    sources = [source for one in recordings for source in cast("list[dict[str, Any]]", one.outputs["sources"])]
    return {chunk: str(source["path"]) for source in sources for chunk in source["chunk_ids"]}


def in_other_words(known: Mapping[str, Vectors]) -> Encode:
    """Vectors of questions that were rephrased: near those of the question that they contain most words of.

    Args:
        known: vectors by the question as it was recorded, shape (dimension,).
    """
    words = {question: frozenset(question.lower().split()) for question in known}

    def nearest(text: str) -> str:
        mine = frozenset(text.lower().split())
        return max(words, key=lambda one: len(words[one] & mine) / len(words[one] | mine))

    def encode(texts: Sequence[str]) -> Vectors:
        rows = []
        for text in texts:
            vector = known[nearest(text)]
            chance = np.random.default_rng(int(sha256(text.encode()).hexdigest()[:12], 16))
            moved = vector + chance.normal(0, _OTHER_WORDS / np.sqrt(len(vector)), len(vector)).astype(np.float32)
            rows.append(moved / np.linalg.norm(moved))
        return np.stack(rows).astype(np.float32)

    return encode


def _since(frame: pd.DataFrame, time: str, system: System) -> pd.DataFrame:
    chosen = frame[(frame[time] >= system.baseline_since) & (frame[time] <= system.now)]
    return chosen.reset_index(drop=True)


def _frame(rows: Sequence[Any], columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame([[getattr(row, name) for name in columns] for row in rows], columns=list(columns))
    times = [name for name in columns if name.endswith("_at")]
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in times})
