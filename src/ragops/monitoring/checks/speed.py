"""Checks of time: answers, their steps, models, and the wait before the server begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ragops.monitoring.checks.blocks import blocks, recent
from ragops.monitoring.checks.compared import Compared, compare, logarithms, numbers, rows
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System

STEPS = ("queue", "rewrite", "retrieve", "generate", "check")
"""The steps whose times the table `answers` has, in columns NAME_seconds."""
_ANSWER = Compared(
    check="answers_slow",
    what="time to an answer",
    side="more",
    unit="s",
    of_logarithms=True,
    causes=("model", "prompt", "champion", "generation", "deployment"),
    otherwise="nothing was changed here: the machine's load, or a part that takes no time of its own",
    action="See which step takes the time; the traces of slow answers show it.",
    command="ragops usecase",
)
_STEP = Compared(
    check="step_slow",
    what="time of step",
    side="more",
    unit="s",
    of_logarithms=True,
    causes=("encoder", "corpus", "generation", "champion", "deployment"),
    action="Measure the search again; see whether the index grew, and whether other programs use the same cores.",
    command="ragops evaluate retrieval",
)
_MODEL = Compared(
    check="model_slow",
    what="time of a call of model",
    side="more",
    unit="s",
    of_logarithms=True,
    causes=("model", "prompt", "champion", "deployment"),
    action="Look at the model's server, its load and its throughput; choose another model or a shorter prompt.",
    command="ragops doctor",
)
_QUEUE = Compared(
    check="queue_long",
    what="wait before an answer begins",
    otherwise="more questions come at the same time, or each one takes longer",
    side="more",
    unit="s",
    causes=("model", "champion", "deployment"),
    action="Raise serving.concurrent_requests if the machine can bear it, or serve with more replicas.",
    command="ragops usecase",
)
_LEAST_SECONDS = 0.01
"""Steps that take less on average are not compared: scheduling alone doubles them."""


def check(system: System) -> Iterator[Found]:
    """Times of answers, of their steps and of models."""
    answers, calls = rows(system.answers), rows(system.calls)
    broken = _criterion(system, answers)
    whole = replace(_ANSWER, severity="high") if broken else _ANSWER
    times = blocks(system, answers, logarithms(answers["seconds"]))
    yield from compare(system, whole, times, details="\n".join(filter(None, (broken, step_percentiles(system)))))
    for step in ("rewrite", "retrieve", "check", *(("generate",) if calls.empty else ())):
        seconds = numbers(answers[f"{step}_seconds"])
        if seconds.mean() >= _LEAST_SECONDS:
            about = replace(
                _STEP, otherwise=f"step {step} takes longer, and nothing was changed here: the machine's load"
            )
            yield from compare(system, about, blocks(system, answers, logarithms(seconds)), subject=step)
    asked = calls[(calls["purpose"] == "ask") & (calls["attempts"] >= 1) & ~calls["cached"].astype(bool)]
    for model, mine in asked[asked["outcome"] == "answered"].groupby("model"):
        if numbers(mine["seconds"]).mean() >= _LEAST_SECONDS:
            found = blocks(system, mine, logarithms(mine["seconds"]), "called_at")
            about = replace(
                _MODEL, otherwise=f"model {model} takes longer by itself: its server, its load or the network"
            )
            yield from compare(system, about, found, subject=str(model))
    yield from compare(system, _QUEUE, blocks(system, answers, numbers(answers["queue_seconds"])))


def step_percentiles(system: System) -> str:
    """A line for each step with its median and 95th percentile in both windows; "" if no row has them."""
    answers = rows(system.answers)
    now = recent(system, answers)
    lines = []
    for name in ("", *(f"{step}_" for step in STEPS)):
        parts = [numbers(part[f"{name}seconds"]).dropna() for part in (now, answers.drop(now.index))]
        if len(parts[0]):
            said = [f"{part.quantile(0.5):.2f} / {part.quantile(0.95):.2f} s" if len(part) else "-" for part in parts]
            lines.append(f"{name.rstrip('_') or 'answer'}: p50 / p95 {said[0]} now, {said[1]} before")
    return "\n".join(lines)


def _criterion(system: System, answers: pd.DataFrame) -> str:
    """Which criterion the recent answers break; "" if none."""
    seconds = numbers(recent(system, answers)["seconds"]).dropna()
    slow = float(seconds.quantile(0.95)) if len(seconds) else 0.0
    for one in system.use_case.criteria:
        if one.measure == "live_seconds_p95" and not one.is_met_by(slow):
            return f"criterion not met: live_seconds_p95 {slow:.1f} s, required {one.required}"
    return ""


SPEED = Topic(
    "speed",
    check,
    ("answers", "calls"),
    {
        "answers_slow": "answers take longer than before",
        "step_slow": "a step of answers takes longer than before",
        "model_slow": "a model takes longer than before",
        "queue_long": "questions wait longer before an answer begins",
    },
)
