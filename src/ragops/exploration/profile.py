"""The table `profile`: every number of every exploration in long form, so that drift can be seen later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from ragops.platform.merge import merge
from ragops.platform.tables import Column, Table
from ragops.platform.workspace import Workspace

ALL = "all"

PROFILE = Table(
    name="profile",
    comment="What each run of the job explore measured, one number a row.",
    key="row_id",
    cluster_by="measure",
    columns=(
        Column("row_id", "STRING", "Hash of time, measure and group."),
        Column("measured_at", "TIMESTAMP", "When the run began: the same in all its rows."),
        Column("measure", "STRING", "What was measured, for example documents.tokens."),
        Column("group", "STRING", "Of which part: all, or a format, a folder, a word, a chunk size."),
        Column("value", "DOUBLE", "The number, in the unit that the measure names; shares are from 0 to 1."),
    ),
)


class Measure(NamedTuple):
    """One number: what was measured, of which group, and the value."""

    measure: str
    group: str
    value: float


@dataclass
class Profile:
    """What one run measured. `points`, the map's sample (x, y, source), is for a picture only and not kept."""

    measured_at: datetime
    measures: dict[tuple[str, str], float] = field(default_factory=dict)
    points: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "source"]))

    @classmethod
    def begin(cls) -> Profile:
        """An empty one, dated now."""
        return cls(datetime.now(UTC).replace(microsecond=0))

    def add(self, measures: Iterable[Measure]) -> None:
        """Takes measures over; a later one of the same name and group replaces an earlier one."""
        self.measures.update({(one.measure, one.group): float(one.value) for one in measures})

    def value(self, measure: str, group: str = ALL, default: float = 0.0) -> float:
        """One number, or `default` where it was not measured."""
        return self.measures.get((measure, group), default)

    def has(self, measure: str) -> bool:
        """Whether it was measured at all."""
        return any(name == measure for name, _ in self.measures)

    def groups(self, measure: str) -> dict[str, float]:
        """The measure's groups with their values, in the order in which they were added."""
        return {group: value for (name, group), value in self.measures.items() if name == measure and group != ALL}

    def save(self, workspace: Workspace) -> int:
        """Adds the numbers to the table `profile`; returns how many. Saving the same profile again adds none."""
        PROFILE.create(workspace)
        rows = [(self._row_id(*key), self.measured_at, *key, value) for key, value in self.measures.items()]
        return merge(workspace, PROFILE, workspace.spark.createDataFrame(rows, PROFILE.schema)).inserted

    def _row_id(self, measure: str, group: str) -> str:
        return hashlib.sha256(f"{self.measured_at.isoformat()}\n{measure}\n{group}".encode()).hexdigest()[:32]


def measured(name: str, values: Mapping[str, float]) -> list[Measure]:
    """A measure's groups as rows."""
    return [Measure(name, group, value) for group, value in values.items()]
