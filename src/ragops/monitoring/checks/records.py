"""Checks of what monitoring itself stands on: the ledger, traces, and the evaluation set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

from ragops.monitoring.checks.blocks import recent
from ragops.monitoring.checks.compared import rows
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.records import Waiting
from ragops.monitoring.system.system import System

_FEWEST = 20
_HALF = 0.5
_LOST_TRACES, _FEWEST_LOST = 0.05, 3
_WRITING = timedelta(minutes=10)
"""The youngest answers' traces may still be written."""


def ledger(system: System) -> Iterator[Found]:
    """Files that no job collects, and answers of models without any call in the ledger."""
    waiting = system.waiting
    if isinstance(waiting, Waiting) and waiting.oldest is not None:
        patience = timedelta(hours=system.use_case.monitoring.collected_within_hours)
        if system.now - waiting.oldest > patience:
            yield _uncollected(system, waiting, patience)
            return
    answers, calls = rows(system.answers), rows(system.calls)
    written = answers[answers["model"].fillna("") != ""]
    asked = calls[calls["purpose"] == "ask"]
    now, calls_now = recent(system, written), recent(system, asked, "called_at")
    before, calls_before = len(written) - len(now), len(asked) - len(calls_now)
    if len(now) < _FEWEST or not before or calls_before < _HALF * before or len(calls_now) >= _HALF * len(now):
        return
    newest = asked["called_at"].max()
    yield Found(
        check="ledger_not_collected",
        subject="",
        severity="high",
        title=f"{len(calls_now):,} calls of models are recorded for {len(now):,} answers: cost is not known",
        since=newest.to_pydatetime(),
        value=float(len(calls_now)),
        expected=float(len(now)),
        unit="number",
        details=f"newest call in the ledger: {newest:%Y-%m-%d %H:%M}",
        cause="the ledger's rows are not collected, or its volume cannot be written",
        action="Run the job collect_calls; see whether the server may write the ledger's volume.",
        command="localbundle run collect_calls",
    )


def _uncollected(system: System, waiting: Waiting, patience: timedelta) -> Found:
    assert waiting.oldest is not None
    hours = (system.now - waiting.oldest) / timedelta(hours=1)
    return Found(
        check="ledger_not_collected",
        subject="",
        severity="high",
        title=f"{waiting.files:,} files of the ledger wait since {hours:,.0f} hours: what follows is not monitored",
        since=waiting.oldest,
        value=hours * 60,
        expected=patience / timedelta(minutes=1),
        unit="min",
        details=", ".join(f"{folder}: {count:,}" for folder, count in waiting.by_folder.items()),
        cause="the job collect_calls does not run or fails",
        action="Run the job collect_calls, and see why its schedule did not.",
        command="localbundle run collect_calls",
    )


def traces(system: System) -> Iterator[Found]:
    """Answers without a trace, where answers had traces before; and traces that the store does not have."""
    answers, known = rows(system.answers), rows(system.traces)
    settled = answers[answers["asked_at"] < pd.Timestamp(system.now - _WRITING)]
    now = recent(system, settled)
    before = answers.drop(recent(system, answers).index)
    had = before["trace_id"].notna().mean() if len(before) else 0.0
    untraced = now[now["trace_id"].isna()]
    stored = known[known["asked_at"] < pd.Timestamp(system.now - _WRITING)]
    stored_now = recent(system, stored)
    kept = stored.drop(stored_now.index)["found"].astype(bool).mean()  # NaN without any
    lost = stored_now[~stored_now["found"].astype(bool)]
    if len(untraced) >= max(_FEWEST_LOST, _LOST_TRACES * len(now)) and had >= 1 - _LOST_TRACES:
        yield _missing(untraced, len(now), "answers were not traced, though answers before were")
    elif kept >= 1 - _LOST_TRACES and len(lost) >= max(_FEWEST_LOST, _LOST_TRACES * len(stored_now)):
        yield _missing(lost, len(stored_now), "answers have a trace that MLflow's store does not have")


def _missing(missing: pd.DataFrame, of: int, what: str) -> Found:
    return Found(
        check="traces_missing",
        subject="",
        severity="high",
        title=f"{len(missing):,} of {of:,} {what}",
        since=missing["asked_at"].min().to_pydatetime(),
        value=float(len(missing)),
        expected=0.0,
        unit="number",
        causes=("deployment", "champion"),
        cause="the process that writes traces does not reach MLflow's store, or traces were deleted",
        action="See traces_missing at /health of the server, and whether the experiment exists and may be written.",
        command="ragops doctor",
    )


def evaluation(system: System) -> Iterator[Found]:
    """An evaluation that is too old; that its questions are out of date is found with the index."""
    measured = rows(system.metrics)
    measured = measured[measured["question_set"].notna()]
    if measured.empty:
        return
    last, most = measured["measured_at"].max(), timedelta(days=system.use_case.monitoring.evaluated_within_days)
    if system.now - last.to_pydatetime() <= most:
        return
    yield Found(
        check="evaluation_old",
        subject="",
        severity="low",
        title=f"the last evaluation is {(system.now - last.to_pydatetime()).days} days old",
        since=(last + most).to_pydatetime(),
        value=(system.now - last.to_pydatetime()) / timedelta(minutes=1),
        expected=most / timedelta(minutes=1),
        unit="min",
        cause="the job evaluate did not run",
        action="Run the job evaluate: criteria that it measures say nothing about the present system.",
        command="localbundle run evaluate",
    )


LEDGER = Topic(
    "ledger",
    ledger,
    ("answers", "calls", "waiting"),
    {"ledger_not_collected": "rows of the ledger are not collected, so that cost and use are not known"},
)
TRACES = Topic(
    "traces", traces, ("answers", "traces"), {"traces_missing": "answers have no trace, or one that the store has lost"}
)
EVALUATION = Topic(
    "evaluation",
    evaluation,
    ("metrics",),
    {"evaluation_old": "the evaluation is older than usecase.yml allows"},
)
