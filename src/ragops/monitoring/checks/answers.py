"""Checks of answers: declined, citations, support, fallbacks and errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import blocks, recent
from ragops.monitoring.checks.compared import Compared, compare, numbers, rows
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import ChangeKind, Found
from ragops.monitoring.system.system import System

_WRITING: tuple[ChangeKind, ...] = ("prompt", "model", "champion", "deployment")
_SILENT = "nothing was changed here: the model changed behind its name"
_DECLINED = Compared(
    check="answers_declined",
    what="questions that the model declined",
    side="either",
    unit="share",
    causes=(*_WRITING, "corpus", "encoder", "generation"),
    otherwise=f"{_SILENT}; or people ask other questions",
    action="Evaluate answers; compare the prompt and the model with those before.",
    command="ragops evaluate answers",
)
_CITATIONS = Compared(
    check="answers_citations",
    what="citations of passages that the model was given",
    side="less",
    unit="share",
    severity="high",
    causes=_WRITING,
    otherwise=_SILENT,
    action="Compare the prompts; go back to the one before if it cites correctly.",
    command="ragops prompts compare",
)
_UNCITED = Compared(
    check="answers_uncited",
    what="answers for which the model cited nothing",
    side="more",
    unit="share",
    severity="high",
    causes=_WRITING,
    otherwise=_SILENT,
    action="Compare the prompts; go back to the one before, or to the model before.",
    command="ragops prompts compare",
)
_SUPPORT = Compared(
    check="answers_support",
    what="words of answers that are in the passages they cite",
    side="less",
    unit="share",
    severity="high",
    causes=(*_WRITING, "corpus", "generation"),
    otherwise=f"{_SILENT}; or people ask other questions",
    action="Read some of the answers; evaluate, and go back to the model or prompt before if they are worse.",
    command="ragops evaluate answers",
)
_FALLBACK = Compared(
    check="answers_fallback",
    what="answers by a fallback",
    side="more",
    unit="share",
    severity="high",
    causes=("model", "champion", "deployment"),
    otherwise="the primary model does not answer",
    action="Restore the primary model, or make the fallback the primary one.",
    command="ragops doctor",
)
_FAILED = Compared(
    check="answers_failed",
    what="calls without an answer of model",
    otherwise="the model's server refuses or fails",
    side="more",
    unit="share",
    severity="high",
    causes=("model", "deployment", "champion"),
    action="Look at the model's server; raise its limits or name a fallback.",
    command="ragops doctor",
)
_FEWEST = 20
_MOST_BY_FALLBACK = 0.5


def check(system: System) -> Iterator[Found]:
    """How answers are written, by what, and which calls fail."""
    answers = rows(system.answers)
    written = answers[answers["model"].fillna("") != ""]
    declined = (written["abstained"] == "the model").astype(float)
    yield from compare(system, _DECLINED, blocks(system, written, declined), details=_versions(system, written))
    own = written[written["abstained"].isna()]
    valid, removed = numbers(own["valid_citations"]), numbers(own["removed_citations"])
    share = valid / (valid + removed).where(lambda total: total > 0)
    yield from compare(system, _CITATIONS, blocks(system, own, share))
    uncited = (valid == 0).astype(float).where(valid.notna())
    yield from compare(system, _UNCITED, blocks(system, own, uncited), details=_versions(system, own))
    yield from compare(system, _SUPPORT, blocks(system, own, numbers(own["support"])), details=_versions(system, own))
    yield from _fallbacks(system, answers)
    calls = rows(system.calls)
    for model, mine in calls[calls["purpose"] == "ask"].groupby("model"):
        yield from _failures(system, str(model), mine)


def _fallbacks(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    """Compared with before; certain where a fallback answers most questions, as it did before."""
    asked = answers[answers["failed"].notna() & (answers["model"].fillna("") != "")]
    by_fallback = asked["failed"].map(lambda names: float(len(names) > 0)).astype(float)
    found = blocks(system, asked, by_fallback)
    reason = _fallback_reason(system)
    now = recent(system, asked)
    share = float(by_fallback[now.index].mean()) if len(now) else 0.0
    if len(now) < _FEWEST or share < _MOST_BY_FALLBACK:
        yield from compare(system, _FALLBACK, found, cause=reason)
        return
    first = asked.loc[by_fallback > 0, "asked_at"].min()
    own = asked.loc[by_fallback == 0, "asked_at"].max()
    after = asked.loc[(by_fallback > 0) & (asked["asked_at"] > own), "asked_at"].min() if not pd.isna(own) else first
    since = first if pd.isna(after) else after
    yield Found(
        check=_FALLBACK.check,
        subject="",
        severity="high",
        title=f"{share:.0%} of {len(now):,} answers are by a fallback",
        since=since.to_pydatetime(),
        value=share,
        expected=0.0,
        unit="share",
        details=_versions(system, asked),
        causes=_FALLBACK.causes,
        cause=reason,
        action=_FALLBACK.action,
        command=_FALLBACK.command,
    )


def _fallback_reason(system: System) -> str | None:
    """Which model did not answer, and why, by most of the recent calls of fallbacks."""
    calls = recent(system, rows(system.calls), "called_at")
    known = calls[calls["fallback_of"].notna()]
    if known.empty:
        return None
    pairs = known.groupby(["fallback_of", known["fallback_reason"].fillna("not known")]).size()
    model, reason = pairs.index[int(np.argmax(pairs.to_numpy()))]
    return f"model {model} does not answer: {reason}"


def _failures(system: System, model: str, calls: pd.DataFrame) -> Iterator[Found]:
    """Calls of one model without an answer; those that the caller abandoned do not count."""
    counted = calls[calls["outcome"] != "abandoned"]
    failed = (counted["outcome"] != "answered").astype(float)
    kinds = recent(system, counted[failed > 0], "called_at")["error"].value_counts()
    details = ", ".join(f"{kind}: {count:,}" for kind, count in kinds.items())
    yield from compare(system, _FAILED, blocks(system, counted, failed, "called_at"), subject=model, details=details)


def _versions(system: System, answers: pd.DataFrame) -> str:
    """Models and prompts of the recent answers."""
    now = recent(system, answers)
    models, prompts = now["model"].value_counts(), now["prompt"].value_counts()
    return "; ".join(
        f"{what} now: " + ", ".join(f"{name} {count:,}" for name, count in counts.items())
        for what, counts in (("models", models), ("prompts", prompts))
        if len(counts)
    )


ANSWERS = Topic(
    "answers",
    check,
    ("answers", "calls"),
    {
        "answers_declined": "the model declines more, or fewer, questions than before",
        "answers_citations": "models cite passages that they were not given",
        "answers_uncited": "models write more answers without any citation",
        "answers_support": "answers contain fewer words of the passages that they cite",
        "answers_fallback": "a fallback answers instead of the primary model",
        "answers_failed": "more calls of a model end without an answer",
    },
)
