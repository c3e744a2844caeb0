"""Checks of what the use case promises: each criterion whose latest value does not keep to its limit."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at, counted
from ragops.monitoring.finding import ChangeKind, Found
from ragops.monitoring.system.system import System
from ragops.usecase import JUDGES, Criterion, Measure
from ragops.usecase.measures import described

_CONTENT: tuple[ChangeKind, ...] = ("generation", "corpus", "encoder", "parser", "question_set")
_WRITING: tuple[ChangeKind, ...] = ("model", "prompt", "champion", "deployment")


def check(system: System) -> Iterator[Found]:
    """A finding for each criterion that is not met; those that nothing has measured yet are none."""
    metrics = system.metrics
    assert isinstance(metrics, pd.DataFrame)
    for criterion in system.use_case.criteria:
        rows = metrics[metrics["name"] == criterion.measure].sort_values("measured_at")
        if len(rows) and not criterion.is_met_by(float(rows["value"].iloc[-1])):
            yield _not_met(criterion, rows)


def _not_met(criterion: Criterion, rows: pd.DataFrame) -> Found:
    measure, last = criterion.catalogued, rows.iloc[-1]
    met = [criterion.is_met_by(float(value)) for value in rows["value"]]
    streak = met[::-1].index(True) if True in met else len(met)
    ends = [end for end in (last["low"], last["high"]) if pd.notna(end)]
    interval = f", 95 % interval {' to '.join(measure.shown(float(end)) for end in ends)}" if len(ends) == 2 else ""
    return Found(
        check="criterion_not_met",
        subject=criterion.measure,
        severity="high",
        title=f"{criterion.measure} is {measure.shown(float(last['value']))}, required {criterion.required}",
        since=rows["measured_at"].iloc[len(rows) - streak].to_pydatetime(),
        value=float(last["value"]),
        expected=criterion.limit,
        unit=measure.unit,
        details=(
            f"Measured by {last['source']} at {at(last['measured_at'])} over {int(last['n']):,} {measure.count}"
            f"{interval}; not met {counted(streak, 'time')} in a row. It matters: {criterion.why}."
        ),
        causes=_causes(measure),
        action=f"Look at what changed before it; {described(measure.sources)} measures it again.",
        command="ragops usecase",
    )


def _causes(measure: Measure) -> tuple[ChangeKind, ...]:
    name = measure.name.removeprefix("live_")
    if name in JUDGES:
        return ("judge", *_WRITING, *_CONTENT)
    if name.endswith("cost"):
        return ("price", "model", "prompt", "champion", "deployment")
    if "evaluate retrieval" in measure.sources or measure.sources == ("refresh",):
        return (*_CONTENT, "deployment")
    return (*_WRITING, *_CONTENT)


CRITERIA = Topic(
    "criteria",
    check,
    ("metrics",),
    {"criterion_not_met": "the latest value of a measure breaks a success criterion or a service level"},
)
