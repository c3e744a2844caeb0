"""Rows of the table `metrics`: one measured value each, whatever measured it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Table
from ragops.quality.statistics.intervals import FEWEST_CLUSTERS, mean_interval, share_interval
from ragops.text import digest
from ragops.usecase import MEASURES, Source


class Metric(BaseModel):
    """A row of the table `metrics`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric_id: str = Field(description="Hash of everything but the value: a measurement that is repeated is one row.")
    name: str = Field(description="The measure, as in the reference.")
    value: float = Field(allow_inf_nan=False, description="What was measured, in the measure's unit.")
    low: float | None = Field(allow_inf_nan=False, description="Lower end of its 95 % interval; null without one.")
    high: float | None = Field(allow_inf_nan=False, description="Upper end of its 95 % interval.")
    n: int = Field(ge=1, description="Over how many questions, answers or documents.")
    clusters: int | None = Field(description="In how many clusters (topics, people); null if they do not apply.")
    measured_at: datetime = Field(description="When.")
    source: str = Field(description="The command or job that measured it.")
    chain: str | None = Field(description='What was measured: NAME/VERSION, or "working copy"; null for an index.')
    generation: str | None = Field(description="The index generation; null where there are several.")
    question_set: str | None = Field(description="Version of the evaluation questions; null for other questions.")


METRICS = Table.of(
    Metric,
    name="metrics",
    comment="Measured values: evaluation, releases, refreshes, batches and use. `ragops usecase` shows the latest.",
    key="metric_id",
    cluster_by="measured_at",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What several values have in common: what measured them, when, and of which chain.

    Attributes:
        source: the command or job.
        chain: NAME/VERSION, or "working copy"; None for an index.
        generation: of the index; None where there are several.
        question_set: version of the evaluation questions; None for other questions.
        measured_at: with a time zone. A measurement that can be repeated has a time of its own, such as that of the
            newest answer, so that repeating it adds no row.
    """

    source: Source
    chain: str | None = None
    generation: str | None = None
    question_set: str | None = None
    measured_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def metric(
        self, name: str, value: float, n: int, ends: tuple[float, float] | None = None, clusters: int | None = None
    ) -> Metric:
        """A value as a row.

        Args:
            name: the measure.
            value: finite, in the measure's unit.
            n: over how many questions, answers or documents.
            ends: of its 95 % interval, NaN where they are not known; None without one.
            clusters: in how many clusters, where its interval is by cluster.

        Raises:
            ValueError: the catalogue has no such measure, or does not say that this source measures it; or the value is
                not finite.
        """
        measure = MEASURES.get(name)
        if measure is None or self.source not in measure.sources:
            raise ValueError(f"measure {name}: not one of {self.source}; add it to ragops.usecase.measures")
        moment = self.measured_at.astimezone(UTC)
        key = [name, self.source, self.chain, self.generation, self.question_set, moment.isoformat()]
        low, high = ends or (math.nan, math.nan)
        return Metric(
            metric_id=digest(key)[:32],
            name=name,
            value=value,
            low=low if math.isfinite(low) else None,
            high=high if math.isfinite(high) else None,
            n=n,
            clusters=clusters,
            measured_at=moment,
            source=self.source,
            chain=self.chain,
            generation=self.generation,
            question_set=self.question_set,
        )

    def mean(self, name: str, values: Sequence[float], clusters: Sequence[str]) -> list[Metric]:
        """The mean of those values that are not NaN; [] if there are none.

        With its interval by cluster, unless there are too few clusters for one.
        """
        known = [(value, cluster) for value, cluster in zip(values, clusters, strict=True) if not math.isnan(value)]
        if not known:
            return []
        kind = share_interval if MEASURES[name].unit == "share" else mean_interval
        found = kind([value for value, _ in known], [cluster for _, cluster in known])
        ends = (found.low, found.high) if found.clusters >= FEWEST_CLUSTERS else None
        return [self.metric(name, found.mean, len(known), ends, found.clusters)]

    def percentile(self, name: str, values: Sequence[float], percent: float) -> list[Metric]:
        """A percentile of those values that are not NaN, with its interval; [] if there are none."""
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return []
        return [self.metric(name, float(np.percentile(known, percent)), len(known), percentile_ends(known, percent))]


def percentile_ends(values: Sequence[float], percent: float) -> tuple[float, float]:
    """The 95 % interval of a percentile, from the order of the values alone; NaN for an end beyond all values.

    How many values lie below the true percentile is binomial, whatever they measure; its normal approximation is
    rounded outwards. The upper end of a 95th percentile needs about 110 values.
    """
    ordered, share = sorted(values), percent / 100
    middle, reach = share * len(ordered), 1.96 * math.sqrt(len(ordered) * share * (1 - share))
    low, high = math.floor(middle - reach), math.ceil(middle + reach) + 1  # ranks, from 1
    return (ordered[low - 1] if low >= 1 else math.nan, ordered[high - 1] if high <= len(ordered) else math.nan)
