"""What the status page shows, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragops.monitoring.finding import Finding
from ragops.platform.drawing import Picture
from ragops.serving.server.status_files import State


@dataclass(frozen=True, slots=True)
class History:
    """The values of a measure over time, drawn in a small picture.

    Attributes:
        points: x and y of each value, from 0 to 100 and from 0 to 30; y grows downwards.
        limit: y of the limit.
    """

    points: tuple[tuple[float, float], ...]
    limit: float

    @property
    def line(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class MeasuredCriterion:
    """A criterion: what is required, what was measured, and how it ended.

    Attributes:
        name: the measure.
        required: the limit.
        measured: the latest value with its interval.
        about: over how much it was measured, by what, and when.
        outcome: "met", "not met" or "not measured".
        state: its color.
        why: what the number means for users.
        history: its values over time; None for fewer than two.
    """

    name: str
    required: str
    measured: str
    about: str
    outcome: str
    state: State
    why: str
    history: History | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        pictures: each with a sentence that says what it means.
        notes: what there is to say instead of a picture, or in addition.
    """

    title: str
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A proposed next step: what to do, why, and the command; `items` are examples, such as questions."""

    title: str
    reason: str
    command: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatusPage:
    """Everything on the page.

    Attributes:
        title: the use case.
        verdict: in two or three words.
        state: its color.
        sentence: why.
        facts: where and when, by name.
        tiles: the key figures, by name.
        findings: those that are open, worst first.
        closed: those that were closed lately, the newest first.
        criteria: the use case's.
        sections: pictures by topic.
        steps: what to do next.
        notes: what a reader must know in addition.
        gpu_hours: of the task embed in the recent window.
    """

    title: str
    verdict: str
    state: State
    sentence: str
    facts: Mapping[str, str]
    tiles: Mapping[str, str]
    findings: tuple[Finding, ...]
    closed: tuple[Finding, ...]
    criteria: tuple[MeasuredCriterion, ...]
    sections: tuple[Section, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    gpu_hours: float = 0.0

    @property
    def high(self) -> int:
        """Open findings of high severity."""
        return sum(one.severity == "high" for one in self.findings)

    @property
    def low(self) -> int:
        """The other open findings."""
        return len(self.findings) - self.high
