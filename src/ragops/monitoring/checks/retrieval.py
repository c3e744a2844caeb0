"""Checks of what questions find: how similar passages are, and whether one document is found for everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import Blocks, blocks
from ragops.monitoring.checks.change_points import changed_since
from ragops.monitoring.checks.compared import WORTH_A_DATE, numbers, rows
from ragops.monitoring.checks.permutation import distribution_shift, share_shift
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import ChangeKind, Found
from ragops.monitoring.system.system import System

_MOST_DOCUMENTS = 64
_SCORES: tuple[ChangeKind, ...] = ("encoder", "corpus", "parser", "generation", "champion", "deployment")
_DOCUMENT: tuple[ChangeKind, ...] = ("corpus", "parser", "encoder", "generation")


def check(system: System) -> Iterator[Found]:
    """Similarities and documents."""
    answers = rows(system.answers)
    yield from _scores(system, answers)
    yield from _everywhere(system, answers)


def _scores(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    found = blocks(system, answers, numbers(answers["evidence"]))
    if not found.is_comparable:
        return
    distance, p_value = distribution_shift(found.recent, found.baseline)
    yield Found(
        check="retrieval_scores",
        subject="",
        severity="low",
        title=f"similarity of the best passage: mean {found.now:.2f} instead of {found.before:.2f}",
        since=changed_since(system, found, _SCORES) if p_value <= WORTH_A_DATE else system.recent_since,
        value=distance,
        expected=0.0,
        unit="number",
        p_value=p_value,
        details=f"Kolmogorov-Smirnov distance {distance:.2f} over {len(found.recent):,} and {len(found.baseline):,} "
        "blocks (a person in a period)",
        causes=_SCORES,
        otherwise="people ask other questions than before",
        action="Evaluate retrieval; answers.min_evidence fits the encoder that it was measured with, and no other.",
        command="ragops evaluate retrieval",
    )


def _everywhere(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    """The document whose share of answers has grown most."""
    given = answers[answers["paths"].map(lambda one: one is not None and len(one) > 0).astype(bool)]
    counts = Counter(path for paths in given["paths"] for path in set(paths))
    names = sorted(counts, key=lambda path: (-counts[path], path))[:_MOST_DOCUMENTS]
    at = {name: number for number, name in enumerate(names)}
    members = np.zeros((len(given), len(names)))
    for row, paths in enumerate(given["paths"]):
        members[row, [at[path] for path in set(paths) if path in at]] = 1
    found = blocks(system, given, members)
    if not names or not found.is_comparable:
        return
    grown, p_value = share_shift(found.recent, found.baseline)
    now, before = float(found.recent[:, grown].mean()), float(found.baseline[:, grown].mean())
    column = Blocks(found.recent[:, grown], found.baseline[:, grown], found.rows, found.times, found.values[:, grown])
    yield Found(
        check="document_everywhere",
        subject=names[grown],
        severity="high",
        title=f"{names[grown]} is among the passages of {now:.0%} of the answers instead of {before:.0%}",
        since=changed_since(system, column, _DOCUMENT) if p_value <= WORTH_A_DATE else system.recent_since,
        value=now,
        expected=before,
        unit="share",
        p_value=p_value,
        details=f"of the {len(names)} documents that are found most often",
        causes=_DOCUMENT,
        otherwise="people ask about it more than before",
        action="Read the document: one that was written to be found for everything, or to instruct the model, goes.",
        command="ragops documents",
    )


RETRIEVAL = Topic(
    "retrieval",
    check,
    ("answers",),
    {
        "retrieval_scores": "the similarities of the best passages are distributed otherwise than before",
        "document_everywhere": "one document is found for many more questions than before",
    },
)
