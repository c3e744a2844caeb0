"""The use case's criteria against what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ragops.quality.criteria.rows import Metric
from ragops.usecase import Criterion, UseCase

State = Literal["pass", "fail", "not measured"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A criterion with the latest value of its measure; None if there is none."""

    criterion: Criterion
    metric: Metric | None

    @property
    def state(self) -> State:
        """Whether the value keeps to the limit."""
        if self.metric is None:
            return "not measured"
        return "pass" if self.criterion.is_met_by(self.metric.value) else "fail"

    @property
    def value(self) -> str:
        """The value with its unit and its interval, for example: 0.512 [0.448, 0.571]."""
        if self.metric is None:
            return "not measured"
        shown, ends = self.criterion.catalogued.shown, (self.metric.low, self.metric.high)
        if ends == (None, None):
            return shown(self.metric.value)
        low, high = ("?" if end is None else shown(end).partition(" ")[0] for end in ends)
        return f"{shown(self.metric.value)} [{low}, {high}]"

    def __str__(self) -> str:
        """One line, for example: recall_at_5 0.512 [0.448, 0.571], required >= 0.450: half are found."""
        return f"{self.criterion.measure} {self.value}, required {self.criterion.required}: {self.criterion.why}"

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        metric = self.metric.model_dump(mode="json", exclude={"name"}) if self.metric else None
        one = self.criterion
        return {
            "measure": one.measure,
            one.catalogued.better: one.limit,
            "why": one.why,
            "state": self.state,
            "measured": metric,
            "measured_by": list(one.catalogued.sources),
        }


def check(criteria: Iterable[Criterion], latest: Mapping[str, Metric]) -> list[Checked]:
    """Each criterion with the latest value of its measure, in their order."""
    return [Checked(one, latest.get(one.measure)) for one in criteria]


def measured_criteria(use_case: UseCase, metrics: Iterable[Metric]) -> list[Checked]:
    """Those of the use case's criteria for which there are values, with these values."""
    known = {one.name: one for one in metrics}
    return [one for one in check(use_case.criteria, known) if one.metric]
