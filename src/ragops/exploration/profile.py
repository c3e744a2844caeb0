"""The table `profile`: every number of every exploration in long form, so that drift can be seen later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from ragops.exploration.measure_names import Measures
from ragops.platform.merge import merge
from ragops.platform.tables import Column, Table
from ragops.platform.workspace import Workspace

ALL = "all"
"""The group of a number that concerns the whole corpus."""
SAME = 0.01
"""Shares closer than this are the same for any decision."""
_COPIED_AT_ONCE_DAYS = 1.0
"""Files dated within a day were copied at once: their dates say nothing about how often they change."""
_DAYS_A_MONTH = 30

PROFILE = Table(
    name="profile",
    comment="What each run of the job explore measured, one number per row.",
    key="row_id",
    cluster_by="measure",
    columns=(
        Column("row_id", "STRING", "Hash of time, measure and group."),
        Column("measured_at", "TIMESTAMP", "When the run started: the same in all its rows."),
        Column("measure", "STRING", "What was measured, for example documents.tokens."),
        Column("group", "STRING", "Which part: all, or a format, a folder, a word, a chunk size."),
        Column("value", "DOUBLE", "The number, in the unit that the measure names; shares are from 0 to 1."),
    ),
)


class Measure(NamedTuple):
    """One number: its name, its group, and the value."""

    measure: str
    group: str
    value: float


def measured(name: str, values: Mapping[str, float]) -> list[Measure]:
    """The groups of one measure with their values."""
    return [Measure(name, group, value) for group, value in values.items()]


@dataclass
class Profile:
    """What one run measured. `points`, the map's sample (x, y, source), is only drawn and not saved.

    All methods raise ValueError for a name that is not one of `Measures`, so that a misspelled one cannot read as 0.
    """

    measured_at: datetime
    measures: dict[tuple[Measures, str], float] = field(default_factory=dict)
    points: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "source"]))

    @classmethod
    def begin(cls) -> Profile:
        """An empty profile, dated now."""
        return cls(datetime.now(UTC).replace(microsecond=0))

    def add(self, measures: Iterable[Measure]) -> None:
        """Adds measures; a later one of the same name and group replaces an earlier one."""
        self.measures.update({(Measures(one.measure), one.group): float(one.value) for one in measures})

    def value(self, measure: str, group: str = ALL, default: float | None = None) -> float:
        """One number.

        Args:
            measure: its name.
            group: its group.
            default: the value if it was not measured.

        Raises:
            LookupError: it was not measured, and there is no default.
        """
        found = self.measures.get((Measures(measure), group), default)
        if found is None:
            raise LookupError(f"profile: {measure} of {group} was not measured; run the notebook's cell that does")
        return found

    def has(self, measure: str) -> bool:
        """Whether it was measured, for any group."""
        name = Measures(measure)
        return any(known == name for known, _ in self.measures)

    def groups(self, measure: str) -> dict[str, float]:
        """The measure's groups with their values, in the order in which they were added."""
        wanted = Measures(measure)
        return {group: value for (name, group), value in self.measures.items() if name == wanted and group != ALL}

    def parts(self, measure: str, split: str) -> dict[str, float]:
        """The values of the groups `split=NAME` of a measure, by NAME; `split` is for example "format"."""
        prefix = f"{split}="
        return {
            group.removeprefix(prefix): value
            for group, value in self.groups(measure).items()
            if group.startswith(prefix)
        }

    def changes_a_day(self) -> float | None:
        """Documents that change per day: by the table's history if it covers a day, else by the files' dates.

        None if neither is known.
        """
        if self.has(Measures.UPDATES_CHANGES_A_DAY):
            return self.value(Measures.UPDATES_CHANGES_A_DAY)
        if self.value(Measures.UPDATES_MODIFIED_SPREAD_DAYS) < _COPIED_AT_ONCE_DAYS:
            return None
        counts = self.groups(Measures.UPDATES_MODIFIED)
        return sum(counts.get(age, 0.0) for age in ("a day", "a week", "a month")) / _DAYS_A_MONTH

    def recall_noise(self) -> float:
        """The difference between two recalls that may be chance: two standard errors of a difference of shares."""
        questions = max(1.0, self.value(Measures.CHUNKING_QUESTIONS, default=0.0))
        return float(2 * (0.5 / questions) ** 0.5)

    def save(self, workspace: Workspace) -> int:
        """Adds the numbers to the table `profile`; returns how many. Saving the same profile again adds none."""
        PROFILE.create(workspace)
        rows = [
            (self._row_id(name, group), self.measured_at, name.value, group, value)
            for (name, group), value in self.measures.items()
        ]
        return merge(workspace, PROFILE, workspace.spark.createDataFrame(rows, PROFILE.schema)).inserted

    def _row_id(self, measure: str, group: str) -> str:
        return hashlib.sha256(f"{self.measured_at.isoformat()}\n{measure}\n{group}".encode()).hexdigest()[:32]
