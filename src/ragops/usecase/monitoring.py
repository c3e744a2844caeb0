"""Section `monitoring` of usecase.yml: what the job monitor compares, and how much it reads."""

from __future__ import annotations

from pydantic import Field

from ragops.usecase.section import Section


class Monitoring(Section):
    """The job monitor: the windows that it compares, and how much it reads."""

    recent_hours: float = Field(default=24, gt=0, le=24 * 31)
    """The window that is examined: the hours before the run."""
    baseline_days: float = Field(default=14, gt=0, le=366)
    """The window that it is compared with: the days before that."""
    golden_questions: int = Field(default=100, ge=0, le=10_000)
    """Maximum number of evaluation questions that are searched for in the live generation and in the one before it; 0:
    recall is not measured."""
    max_failures: int = Field(default=3, ge=1)
    """How often a file may fail before it counts as failing again and again."""
