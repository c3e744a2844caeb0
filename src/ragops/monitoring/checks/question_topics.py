"""Checks of what questions are about and in which language they are, over the sample whose vectors were computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ragops.corpus.embeddings.interface import Vectors, normalized
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.exploration.questions.kinds import clusters
from ragops.monitoring.checks.blocks import Blocks, Numbers, blocks, moment
from ragops.monitoring.checks.change_points import changed_since
from ragops.monitoring.checks.compared import WORTH_A_DATE, rows
from ragops.monitoring.checks.permutation import share_shift, vector_shift
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System

UNKNOWN = "unknown"
"""The language of a text that is too short to tell."""
_MOST_GROUPS = 24
_FEWEST = 40
"""Questions with vectors: fewer have no groups."""
_SHOWN = 3


def check(system: System) -> Iterator[Found]:
    """Languages, topics and drift."""
    answers = rows(system.answers)
    yield from _languages(system, answers[answers["language"].notna() & (answers["language"] != UNKNOWN)])
    sampled = answers[answers["vector"].notna()]
    if len(sampled) >= _FEWEST:
        vectors = normalized(np.stack(sampled["vector"].to_list()).astype(np.float32))
        yield from _drift(system, sampled, vectors.astype(np.float64))
        yield from _topics(system, sampled, vectors)


def _languages(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    """The language whose share has grown most."""
    names = sorted(answers["language"].unique())
    found = blocks(system, answers, _one_hot(answers["language"].to_list(), names))
    if len(names) < 2 or not found.is_comparable:
        return
    grown, p_value = share_shift(found.recent, found.baseline)
    name, now, before = names[grown], found.recent[:, grown].mean(), found.baseline[:, grown].mean()
    in_corpus = name in system.use_case.corpus.languages
    missing = "" if in_corpus else ", in which there are no documents"
    yield Found(
        check="questions_language",
        subject="",
        severity="low" if in_corpus else "high",
        title=f"questions in language {name}{missing}: {now:.0%} instead of {before:.0%}",
        since=_since(system, found, grown, p_value),
        value=float(now),
        expected=float(before),
        unit="share",
        p_value=p_value,
        details=_examples(answers, answers["language"] == name) + _explored_languages(system),
        cause=f"users ask in another language: {name}",
        action="Add documents or an embedding model for this language, or tell users which languages are answered.",
        command="localbundle run explore",
    )


def _drift(system: System, sampled: pd.DataFrame, vectors: Numbers) -> Iterator[Found]:
    found = blocks(system, sampled, vectors)
    if not found.is_comparable:
        return
    distance = float(np.linalg.norm(found.recent.mean(axis=0) - found.baseline.mean(axis=0)))
    p_value = vector_shift(found.recent, found.baseline)
    yield Found(
        check="questions_drift",
        subject="",
        severity="low",
        title=f"questions are about other things than before: their mean vector moved by {distance:.2f}",
        since=system.recent_since,
        value=distance,
        expected=0.0,
        unit="number",
        p_value=p_value,
        details=f"{len(sampled):,} questions were compared; the vectors have length 1",
        cause="users ask about other things",
        action="Explore again with the users' questions, and evaluate on some of them.",
        command="localbundle run explore",
    )


def _topics(system: System, sampled: pd.DataFrame, vectors: Vectors) -> Iterator[Found]:
    """The group of questions whose share has grown most."""
    texts = sampled["question"].to_list()
    groups = clusters(texts, vectors, _MOST_GROUPS)
    members = np.zeros((len(texts), len(groups)))
    for number, (_, positions) in enumerate(groups):
        members[positions, number] = 1
    found = blocks(system, sampled, members)
    if not groups or not found.is_comparable:
        return
    grown, p_value = share_shift(found.recent, found.baseline)
    name, now, before = groups[grown][0], found.recent[:, grown].mean(), found.baseline[:, grown].mean()
    mine = pd.Series(members[:, grown] > 0, index=sampled.index)
    yield Found(
        check="questions_topic",
        subject="",
        severity="low",
        title=f"questions about {name}: {now:.0%} instead of {before:.0%}",
        since=_since(system, found, grown, p_value),
        value=float(now),
        expected=float(before),
        unit="share",
        p_value=p_value,
        details="\n".join((_examples(sampled, mine), _evidence(sampled, mine), _explored_topics(system, name))).strip(),
        cause=f"users ask about {name}",
        action="See whether the documents answer these questions; add documents, and cases to the evaluation set.",
        command="ragops questions candidates list",
    )


def _since(system: System, found: Blocks, column: int, p_value: float) -> pd.Timestamp:
    if p_value > WORTH_A_DATE:
        return pd.Timestamp(system.recent_since)
    split = pd.Timestamp(changed_since(system, _column(found, column), ()))
    mine = found.times[(found.values[:, column] > 0) & (found.times >= split.value)]
    return pd.Timestamp(moment(mine[0])) if len(mine) else split


def _column(found: Blocks, column: int) -> Blocks:
    return Blocks(found.recent[:, column], found.baseline[:, column], found.rows, found.times, found.values[:, column])


def _one_hot(values: Sequence[str], names: Sequence[str]) -> Numbers:
    at = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(values), len(names)))
    found[np.arange(len(values)), [at[value] for value in values]] = 1
    return found


def _examples(answers: pd.DataFrame, mine: pd.Series) -> str:
    """The newest of them, in the users' words."""
    newest = answers[mine].sort_values("asked_at", ascending=False)["question"].drop_duplicates()[:_SHOWN]
    people = answers.loc[mine, "who"].nunique()
    return f"{int(mine.sum()):,} questions of {people:,} people, such as: " + "; ".join(one[:100] for one in newest)


def _evidence(sampled: pd.DataFrame, mine: pd.Series) -> str:
    without = (sampled.loc[mine, "abstained"] == "no evidence").mean()
    return f"{without:.0%} of them have no evidence in the documents"


def _explored_topics(system: System, name: str) -> str:
    """Whether the exploration knows the topic, by a word that both names have."""
    if not isinstance(system.profile, Profile) or not system.profile.has(Measures.QUESTIONS_CLUSTER):
        return ""
    known = system.profile.groups(Measures.QUESTIONS_CLUSTER)
    shared = [one for one in known if set(one.split(", ")) & set(name.split(", "))]
    return f"explored as: {shared[0]}" if shared else f"not among the {len(known)} topics that were explored"


def _explored_languages(system: System) -> str:
    if not isinstance(system.profile, Profile) or not system.profile.has(Measures.QUESTIONS_LANGUAGE):
        return ""
    known = system.profile.groups(Measures.QUESTIONS_LANGUAGE)
    return f"\nexplored: {', '.join(f'{name} {count:.0f}' for name, count in known.items())}"


QUESTION_TOPICS = Topic(
    "topics",
    check,
    ("answers",),
    {
        "questions_language": "more questions are in another language",
        "questions_drift": "questions are about other things than before, by the mean of their vectors",
        "questions_topic": "a group of similar questions has grown",
    },
)
