"""What is wrong with a use case's file although each of its sections is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragops.text import closest
from ragops.usecase.criteria import Criterion, known_measures
from ragops.usecase.evaluation import JUDGES
from ragops.usecase.measures import MEASURES

if TYPE_CHECKING:
    from ragops.usecase.usecase import UseCase

_CANNOT_JUDGE = ("extractive", "vllm_offline")
"""Providers that quote only, or that run in Spark's workers only."""


def problems(use_case: UseCase) -> Iterator[str]:
    """One line for each: the field, the reason, what to do."""
    yield from _judge(use_case)
    for number, criterion in enumerate(use_case.success):
        if reason := _nothing_measures(criterion, use_case):
            yield f"success.{number}.measure is {criterion.measure!r}: nothing measures it, because {reason}"
    yield from _twice(use_case)
    yield from _gate(use_case)


def wrong_judge(use_case: UseCase) -> str:
    """Why the model of `evaluation.judge` cannot judge the answers; "" if it can, or if there is none."""
    judge, primary = use_case.evaluation.judge, use_case.models.answer.primary
    able = [one.name for one in use_case.models.known if one.provider not in _CANNOT_JUDGE and one.name != primary]
    if judge is None or judge in able:
        return ""
    if judge == primary:
        reason = "is the model that answers"
    elif any(one.name == judge for one in use_case.models.known):
        reason = "only quotes, or runs in batches only"
    else:
        reason = "is not in models.known"
    others = f"choose from {', '.join(able)}" if able else "add a language model there"
    near = closest(judge, able)
    return f"evaluation.judge: {judge} {reason}; {f'did you mean {near}?' if near else others}"


def _judge(use_case: UseCase) -> Iterator[str]:
    if reason := wrong_judge(use_case):
        yield reason


def _nothing_measures(criterion: Criterion, use_case: UseCase) -> str:
    """Why none of the measure's sources measures it in this use case; "" if one does."""
    settings = use_case.evaluation
    judge = criterion.measure.removeprefix("live_")
    if judge not in JUDGES:
        return ""
    if settings.judge is None:
        return "evaluation.judge names no model; name one, or remove the criterion"
    if judge not in settings.judges:
        return f"{judge} is not among evaluation.judges; add it, or remove the criterion"
    if judge != criterion.measure and not settings.judge_sample:
        return "evaluation.judge_sample is 0; raise it, or remove the criterion"
    return ""


def _twice(use_case: UseCase) -> Iterator[str]:
    seen = {one.measure: f"sla.{one.measure}" for one in use_case.sla.criteria}
    for number, criterion in enumerate(use_case.success):
        where = f"success.{number}.measure"
        if first := seen.get(criterion.measure):
            yield f"{where} is {criterion.measure!r}: {first} has a limit for it already; remove one of the two"
        seen[criterion.measure] = where


def _gate(use_case: UseCase) -> Iterator[str]:
    limits = {"floors": use_case.release.floors, "ceilings": use_case.release.ceilings}
    for field, name in ((f"release.{section}.{name}", name) for section, names in limits.items() for name in names):
        if name not in MEASURES:
            yield f"{field}: nothing measures it; {known_measures(name)}"
        elif not MEASURES[name].gates:
            yield f"{field}: a release does not measure it; move it to success"
