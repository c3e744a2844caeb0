"""Checks of questions: how many, how long, in which language, about what, repeated, and without evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.monitoring.checks.blocks import blocks, periods, recent
from ragops.monitoring.checks.compared import Compared, compare, logarithms, numbers, rows
from ragops.monitoring.checks.counts import count_shift
from ragops.monitoring.checks.permutation import mean_shift
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System

_LENGTH = Compared(
    check="questions_length",
    what="words in a question",
    side="either",
    unit="number",
    of_logarithms=True,
    otherwise="people, or a program, put their questions otherwise than before",
    action="Read some of the new questions; much longer ones need `chunking` and the prompt tried on them.",
    command="ragops questions candidates list",
)
_REPEATED = Compared(
    check="questions_repeated",
    what="questions that somebody asked before in the same period",
    side="more",
    unit="share",
    action="See who sends them: a client that tries again and again, or a question that deserves a page of its own.",
    command="ragops questions candidates list",
)
_WITHOUT_EVIDENCE = Compared(
    check="questions_without_evidence",
    what="questions without evidence",
    side="more",
    unit="share",
    severity="high",
    causes=("encoder", "corpus", "parser", "generation", "champion", "deployment"),
    otherwise="people ask what the documents do not answer",
    action="Ask some of them again; if the documents answer them, search is broken, else documents are missing.",
    command="ragops evaluate retrieval",
)
_PARTS = (1.0, 0.5)
"""Of the recent window: one that has been silent for half a day has had questions before."""
_DAY, _SATURDAY = 24, 5
_FEWEST_PROFILED = 30  # questions: fewer say too little about the users


def check(system: System) -> Iterator[Found]:
    """What can be said of the questions; nothing without any."""
    answers = rows(system.answers)
    yield from _volume(system, answers)
    yield from compare(system, _LENGTH, blocks(system, answers, logarithms(answers["question"].map(_words))))
    again = _most(recent(system, answers))
    yield from compare(system, _REPEATED, blocks(system, answers, _repeated(system, answers)), cause=again)
    abstained = (answers["abstained"] == "no evidence").astype(float)
    yield from compare(system, _WITHOUT_EVIDENCE, blocks(system, answers, abstained), details=_similar(system, answers))
    if isinstance(system.profile, Profile):
        yield from _far(system, recent(system, answers), system.profile)


def _volume(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    if answers.empty:
        return
    ago = (pd.Timestamp(system.now) - answers["asked_at"]).dt.total_seconds() / 3600
    hours, newest = system.use_case.monitoring.recent_hours, answers["asked_at"].max().to_pydatetime()
    tried = [(part, found) for part in _PARTS if (found := _counted(system, ago.to_numpy(), hours, part)) is not None]
    if not tried:
        return
    part, (count, expected, p_value, before) = min(tried, key=lambda one: one[1][2])
    silent, fewer = count == 0, count < expected
    yield Found(
        check="questions_volume",
        subject="",
        severity="high" if silent else "low",
        title=f"{count:,.0f} questions in {part * hours:g} hours instead of {expected:,.0f}",
        since=newest if silent else system.recent_since,
        value=float(count),
        expected=expected,
        unit="number",
        p_value=min(1.0, len(tried) * p_value),
        details="at the same time on like days before, newest first: " + ", ".join(f"{one:.0f}" for one in before),
        causes=("champion", "deployment"),
        otherwise=_volume_without_change(silent, fewer),
        action="See whether users reach the server." if fewer else "See who asks, and whether the server keeps up.",
        command="localbundle runs" if fewer else "ragops usecase",
    )


def _volume_without_change(silent: bool, fewer: bool) -> str:
    if silent:
        return "no question reaches the server, or nobody has one"
    return "fewer people ask, or not all reach the server" if fewer else "more people ask, or a program does"


def _counted(
    system: System, ago: NDArray[np.float64], hours: float, part: float
) -> tuple[float, float, float, NDArray[np.int64]] | None:
    """Questions of the last part of each period: the count now, what is expected, its p-value, and those before.

    Working days are compared with working days where periods are days; None with too few periods.
    """
    number, rest = np.divmod(np.maximum(ago, 0), hours)
    counts = np.bincount(number[rest < part * hours].astype(np.int64), minlength=int(number.max()) + 1)
    middles = [system.now - timedelta(hours=(at + part / 2) * hours) for at in range(len(counts))]
    at_weekend = np.array([one.weekday() >= _SATURDAY for one in middles])
    alike = at_weekend == at_weekend[0] if hours == _DAY else np.ones(len(counts), np.bool_)
    for before in (counts[1:][alike[1:]], counts[1:]):
        if (found := count_shift(float(counts[0]), before)) is not None:
            return float(counts[0]), *found, before
    return None


def _far(system: System, now: pd.DataFrame, profile: Profile) -> Iterator[Found]:
    """Questions without a close passage, compared with the questions that were explored."""
    count = int(profile.value(Measures.QUESTIONS_COUNT, default=0))
    if count < _FEWEST_PROFILED or not profile.has(Measures.QUESTIONS_CLOSE_FROM):
        return
    share, floor = profile.value(Measures.QUESTIONS_FAR_SHARE), profile.value(Measures.QUESTIONS_CLOSE_FROM)
    evidence = numbers(now["evidence"])
    found = blocks(system, now, (evidence < floor).astype(float).where(evidence.notna()))
    if not len(found.recent):
        return
    explored = (np.arange(count) < round(share * count)).astype(float)
    yield Found(
        check="questions_far",
        subject="",
        severity="low",
        title=f"questions without a close passage: {found.now:.0%} instead of {share:.0%}, as explored",
        since=system.recent_since,
        value=found.now,
        expected=share,
        unit="share",
        p_value=mean_shift(found.recent, explored, "more"),
        details=f"close is a cosine of {floor:.2f}; {count:,} questions explored on {profile.measured_at:%Y-%m-%d}",
        causes=("encoder", "corpus", "parser", "generation"),
        otherwise="people ask about what the documents do not treat",
        action="Explore again with the users' questions, and add the documents that they miss.",
        command="localbundle run explore",
    )


def _words(question: str) -> int:
    return len(question.split())


def _repeated(system: System, answers: pd.DataFrame) -> pd.Series:
    """Whether the same words were asked before in the same period, by anybody."""
    keys = pd.DataFrame({"period": periods(system, answers["asked_at"]), "text": answers["question"].map(plain)})
    order = np.argsort(answers["asked_at"].to_numpy(), kind="stable")
    again = np.zeros(len(keys), np.float64)
    again[order] = keys.iloc[order].duplicated().to_numpy(np.float64)
    return pd.Series(again, index=answers.index)


def plain(question: str) -> str:
    """The question without differences in case and white space."""
    return " ".join(question.casefold().split())


def _most(answers: pd.DataFrame) -> str | None:
    """Which question is sent most often by one person."""
    if answers.empty:
        return None
    counts = answers.groupby([answers["question"].map(plain), "who"]).size()
    text, who = counts.index[int(np.argmax(counts.to_numpy()))]
    return f"the same questions come again, most often {text[:80]!r} from {who}, {int(counts.max()):,} times"


def _similar(system: System, answers: pd.DataFrame) -> str:
    best = numbers(recent(system, answers)["evidence"]).dropna()
    return f"evidence now: median {best.median():.2f}" if len(best) else ""


QUESTIONS = Topic(
    "questions",
    check,
    ("answers",),
    {
        "questions_volume": "many more or fewer questions than in the periods before",
        "questions_length": "questions are much longer or shorter than before",
        "questions_repeated": "the same questions come again and again",
        "questions_without_evidence": "more questions have no evidence in the documents",
        "questions_far": "more questions have no close passage than among the questions that were explored",
    },
)
