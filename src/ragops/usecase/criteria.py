"""The sections `success` and `sla` of usecase.yml: what must hold, as numbers."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ragops.text import closest
from ragops.usecase.measures import MEASURES, Direction, Measure
from ragops.usecase.section import Section


class Criterion(Section):
    """A success criterion: a measure, and the minimum or maximum that it must keep to."""

    measure: str
    """What is measured: one of the catalogue's [measures](measures.md)."""
    at_least: float | None = Field(default=None, strict=True, ge=0, allow_inf_nan=False)
    """The minimum, for a measure of which more is better; shares are from 0 to 1. Also a floor of the release gate if a
    release measures it."""
    at_most: float | None = Field(default=None, strict=True, ge=0, allow_inf_nan=False)
    """The maximum, for a measure of which less is better; also a ceiling of the release gate if a release measures
    it."""
    why: str
    """What the number means for users; reports show it."""

    @field_validator("measure")
    @classmethod
    def _is_measured(cls, name: str) -> str:
        if name not in MEASURES:
            raise ValueError(f"nothing measures it; {known_measures(name)}")
        return name

    @field_validator("at_least", "at_most")
    @classmethod
    def _fits_the_unit(cls, value: float | None, info: ValidationInfo) -> float | None:
        measure = MEASURES.get(info.data.get("measure", ""))
        if value is None or measure is None:
            return value
        if info.field_name != measure.better:
            raise ValueError(f"{measure.name} is better {_better(measure.better)}; give {measure.better}")
        if measure.unit == "share" and value > 1:
            raise ValueError(f"{measure.name} is a share; give a number from 0 to 1")
        return value

    @model_validator(mode="after")
    def _has_a_limit(self) -> Criterion:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.measure} has no limit; give {MEASURES[self.measure].better}")
        return self

    @property
    def catalogued(self) -> Measure:
        """The measure as the catalogue has it."""
        return MEASURES[self.measure]

    @property
    def limit(self) -> float:
        """The minimum or maximum, whichever the measure has."""
        given = self.at_least if self.catalogued.better == "at_least" else self.at_most
        assert given is not None
        return given

    @property
    def required(self) -> str:
        """The limit in a few characters, for example: >= 0.450."""
        return f"{'>=' if self.catalogued.better == 'at_least' else '<='} {self.catalogued.shown(self.limit)}"

    def is_met_by(self, value: float) -> bool:
        """Whether a value keeps to the limit."""
        return value >= self.limit if self.catalogued.better == "at_least" else value <= self.limit


class ServiceLevels(Section):
    """What users can rely on; these three are criteria as those of `success` are, but not of the release gate."""

    freshness_minutes: float = Field(gt=0)
    """Maximum time from the change of a file until searches find it, in minutes."""
    search_p95_ms: float = Field(gt=0)
    """Maximum 95th percentile of the time for one search, including the question's encoding, in milliseconds."""
    refresh_minutes: float = Field(gt=0)
    """Maximum time of one refresh, from start to published index, in minutes; the job explore suggests a schedule
    from it."""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The service levels as criteria."""
        limits = self.model_dump()
        return tuple(
            Criterion(measure=name, at_most=limit, why=MEASURES[name].meaning) for name, limit in limits.items()
        )


def known_measures(name: str) -> str:
    """What to name instead of an unknown measure: the closest one, or all."""
    near = closest(name, MEASURES)
    return f"did you mean {near}?" if near else f"choose one of: {', '.join(MEASURES)}"


def _better(direction: Direction) -> str:
    return "higher" if direction == "at_least" else "lower"
