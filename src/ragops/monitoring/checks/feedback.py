"""Checks of what people think of answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ragops.monitoring.checks.blocks import blocks, recent
from ragops.monitoring.checks.compared import Compared, compare, rows
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import counted
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System
from ragops.quality.statistics.intervals import share_interval

_RATE = Compared(
    check="feedback_rate",
    what="answers that somebody rated",
    side="either",
    unit="share",
    causes=("champion", "deployment"),
    otherwise="people rate more, or fewer, answers, though nothing was changed here",
    action="See whether the page still asks for feedback, and whether verdicts are collected.",
    command="ragops feedback list",
)
_DOWN = Compared(
    check="feedback_down",
    what="thumbs down among the verdicts",
    side="more",
    unit="share",
    severity="high",
    causes=("prompt", "model", "champion", "encoder", "corpus", "generation", "deployment"),
    action="Read the newest verdicts with their reasons, and make cases of the evaluation set from them.",
    command="ragops feedback list --verdict down",
)
_SOON = pd.Timedelta(hours=1)
"""Later verdicts do not count in the rate: the newest answers could not have any yet."""


def check(system: System) -> Iterator[Found]:
    """How many answers are rated, and how; nothing without verdicts."""
    answers, verdicts = rows(system.answers), rows(system.feedback)
    if verdicts.empty:
        return
    yield from compare(system, _RATE, blocks(system, answers, _rated(answers, verdicts)))
    down = (verdicts["verdict"] == "down").astype(float)
    found = blocks(system, verdicts, down, "given_at")
    about = replace(_DOWN, otherwise=_displeased(recent(system, verdicts[down > 0], "given_at")))
    yield from compare(system, about, found, details=_intervals(system, verdicts, down))


def _rated(answers: pd.DataFrame, verdicts: pd.DataFrame) -> pd.Series:
    first = verdicts.groupby("answer_id")["given_at"].min()
    waited = answers["answer_id"].map(first) - answers["asked_at"]
    return (waited <= _SOON).astype(float)


def _displeased(now: pd.DataFrame) -> str:
    """Who is not content, and with what, where nothing was changed."""
    if now.empty:
        return ""
    people, reasons = now["who"].nunique(), now["reason"].dropna().value_counts()
    why = f", most often as {reasons.index[0]}" if len(reasons) else ""
    return f"nothing was changed here: feedback of {counted(people, 'person', 'people')} turned{why}"


def _intervals(system: System, verdicts: pd.DataFrame, down: pd.Series) -> str:
    """The share of thumbs down in both windows with 95 % intervals by person, and the recent reasons."""
    now = recent(system, verdicts, "given_at")
    before = verdicts.drop(now.index)
    lines = [
        f"{name}: {share_interval(down[part.index].to_numpy(), part['who'].astype(str).tolist())} "
        f"over {len(part):,} verdicts"
        for name, part in (("now", now), ("before", before))
        if len(part)
    ]
    reasons = now.loc[now["verdict"] == "down", "reason"].value_counts()
    if len(reasons):
        lines.append("reasons now: " + ", ".join(f"{name} {count:,}" for name, count in reasons.items()))
    return "\n".join(lines)


FEEDBACK = Topic(
    "feedback",
    check,
    ("answers", "feedback"),
    {
        "feedback_rate": "more, or fewer, answers are rated than before",
        "feedback_down": "more of the verdicts are thumbs down",
    },
)
