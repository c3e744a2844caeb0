"""Checks of judged quality, and of the judges: another version, verdicts that drift, and no verdicts at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import blocks, recent
from ragops.monitoring.checks.compared import Compared, compare, numbers, rows
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System
from ragops.quality.statistics.intervals import cluster_sums
from ragops.quality.statistics.paired import mcnemar

_JUDGED = Compared(
    check="answers_judged",
    what="judged",
    side="less",
    unit="share",
    severity="high",
    causes=("prompt", "model", "champion", "corpus", "encoder", "generation", "deployment"),
    otherwise="nothing was changed here: the model changed behind its name, or people ask other questions",
    action="Read the answers with the worst judgments; go back to the model or prompt before if they are worse.",
    command="ragops judges agreement",
)
_FEWEST = 20
_OF_A_VERSION = "its model behind the same name, its prompt, examples or parameters"


def check(system: System) -> Iterator[Found]:
    """Quality as judged by each judge in its present version, and the judges themselves."""
    judgments = rows(system.judgments)
    for judge, mine in judgments.groupby("judge"):
        ordered = mine.sort_values("judged_at", kind="stable")
        yield from _swapped(system, str(judge), ordered)
        yield from _judged(system, str(judge), ordered)
        yield from _without_verdict(system, str(judge), ordered)


def drift(system: System) -> Iterator[Found]:
    """The same answers judged again by the same version of a judge: a served model may have been replaced."""
    again = rows(system.rejudged)
    for judge, mine in again.dropna(subset=["before", "after"]).groupby("judge"):
        means = numbers(mine["before"]).mean(), numbers(mine["after"]).mean()
        differences = (numbers(mine["after"]) - numbers(mine["before"])).to_numpy()
        sums = cluster_sums(mine["cluster"].astype(str).tolist(), differences)
        yield Found(
            check="judge_drift",
            subject=str(judge),
            severity="high",
            title=f"judge {judge} rates the same answers {means[1]:.2f} instead of {means[0]:.2f}",
            since=mine["judged_at"].min().to_pydatetime(),
            value=float(means[1]),
            expected=float(means[0]),
            unit="share",
            p_value=mcnemar(np.sign(sums[:, 0])),
            details=f"{len(mine):,} answers judged again, {int((abs(differences) > 0).sum()):,} of them otherwise",
            causes=("judge", "model"),
            cause=f"the model of judge {judge} changed behind its name: its version here is the same",
            action="Align the judge with labels again; ratings before and after cannot be compared.",
            command="ragops judges align",
        )


def _swapped(system: System, judge: str, ordered: pd.DataFrame) -> Iterator[Found]:
    """Another version of the judge than at first in the windows."""
    own = ordered[~ordered["cached"].fillna(False).astype(bool)]
    versions = own["judge_version"].drop_duplicates().tolist()
    if len(versions) < 2 or own["judge_version"].iloc[-1] != versions[-1]:
        return
    new, old = own[own["judge_version"] == versions[-1]], own[own["judge_version"] == versions[-2]]
    models = old["model"].iloc[-1], new["model"].iloc[0]
    what = f"from model {models[0]} to {models[1]}" if models[0] != models[1] else _OF_A_VERSION
    edited = _edited(system, judge, old, new)
    means = numbers(old["score"]).mean(), numbers(new["score"]).mean()
    yield Found(
        check="judge_swapped",
        subject=judge,
        severity="low",
        title=f"judge {judge} changed ({what}): ratings before and after cannot be compared",
        since=new["judged_at"].iloc[0].to_pydatetime(),
        value=None if pd.isna(means[1]) else float(means[1]),
        expected=None if pd.isna(means[0]) else float(means[0]),
        unit="share",
        details=f"version {versions[-2]} before, {versions[-1]} now; {len(old):,} and {len(new):,} judgments",
        causes=("judge",),
        cause=edited or f"judge {judge} changed: {what}",
        action="Measure its agreement with people, and judge earlier answers again where they are compared.",
        command="ragops judges agreement",
    )


def _edited(system: System, judge: str, old: pd.DataFrame, new: pd.DataFrame) -> str | None:
    """The last change in usecase.yml of what a version depends on; None if none is known from when both judged."""
    model, version = str(new["model"].iloc[0]), str(new["judge_version"].iloc[0])
    about, itself = (judge, model, "evaluation.judge"), f"{model} {version}"
    begin, end = old["judged_at"].iloc[0], new["judged_at"].iloc[0]
    known = [
        one
        for one in system.changes
        if one.kind == "judge" and one.subject in about and one.after != itself and begin <= one.at <= end
    ]
    return f"{known[0]}, at {at(known[0].at)}" if known else None


def _judged(system: System, judge: str, ordered: pd.DataFrame) -> Iterator[Found]:
    """Scores of answers to people, by the newest version alone."""
    live = ordered[ordered["question_id"].isna() & (ordered["state"] == "scored")]
    if live.empty:
        return
    same = live[live["judge_version"] == live["judge_version"].iloc[-1]]
    scores = blocks(system, same, numbers(same["score"]), "asked_at")
    yield from compare(system, _JUDGED, scores, subject=judge)


def _without_verdict(system: System, judge: str, ordered: pd.DataFrame) -> Iterator[Found]:
    from scipy.special import bdtrc

    now = recent(system, ordered, "judged_at")
    if len(now) < _FEWEST:
        return
    missing, most = int((now["state"] != "scored").sum()), system.use_case.evaluation.max_error_share
    share, first = missing / len(now), now.loc[now["state"] != "scored", "judged_at"].min()
    states = now["state"].value_counts()
    yield Found(
        check="judge_errors",
        subject=judge,
        severity="low",
        title=f"{share:.0%} of the calls of judge {judge} have no verdict",
        since=first.to_pydatetime() if missing else system.recent_since,
        value=share,
        expected=most,
        unit="share",
        p_value=float(bdtrc(missing - 1, len(now), most)) if missing and most < 1 else 1.0,
        details=", ".join(f"{state} {count:,}" for state, count in states.items()),
        causes=("judge", "model"),
        action="Read the reasons in the table judgments; choose another judge, or raise its max_tokens or timeout.",
        command="ragops judges list",
    )


JUDGMENTS = Topic(
    "judgments",
    check,
    ("judgments",),
    {
        "answers_judged": "answers to people are judged worse than before",
        "judge_swapped": "a judge is another one than before, so its ratings cannot be compared",
        "judge_errors": "too many calls of a judge have no verdict",
    },
)
JUDGE_DRIFT = Topic(
    "judge drift",
    drift,
    ("rejudged",),
    {"judge_drift": "a judge rates the same answers otherwise than before"},
)
