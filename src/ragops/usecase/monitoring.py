"""Section `monitoring` of usecase.yml: what the job monitor compares, and how much it reads."""

from __future__ import annotations

from pydantic import Field, PositiveFloat

from ragops.usecase.section import Section


class Budget(Section):
    """What calls of models may cost a day; those that all of `model`, `group` and `user` fit, or all calls."""

    per_day: PositiveFloat
    """Maximum cost of a day, in the currency of the models' prices."""
    model: str | None = None
    """Only calls of this model, by its name in `models.known`."""
    group: str | None = None
    """Only calls for members of this group."""
    user: str | None = None
    """Only calls for this user."""

    @property
    def subject(self) -> str:
        """What it covers, in a few words; "" for all calls."""
        named = (("model", self.model), ("group", self.group), ("user", self.user))
        return ", ".join(f"{what} {name}" for what, name in named if name)


class Monitoring(Section):
    """The job monitor: the windows that it compares, and how much it reads."""

    recent_hours: float = Field(default=24, gt=0, le=24 * 31)
    """The window that is examined: the hours before the run."""
    baseline_days: float = Field(default=14, gt=0, le=366)
    """The window that it is compared with: the days before that."""
    golden_questions: int = Field(default=100, ge=0, le=10_000)
    """Maximum number of evaluation questions that are searched for in the live generation and in the one before it; 0:
    recall is not measured."""
    many_documents: float = Field(default=0.05, gt=0, le=1)
    """The share of documents from which it matters that they are in quarantine, were deleted or became shorter."""
    max_never_found: float = Field(default=0.9, ge=0, le=1)
    """Maximum share of documents that no question of both windows found, once these found five times as many passages
    as there are documents."""
    max_generation_days: float | None = Field(default=None, gt=0)
    """Maximum age of the live generation in days; null: any, as long as it is equal to the tables."""
    budgets: tuple[Budget, ...] = ()
    """What calls of models may cost a day, in total or by model, group and user."""
    gpu_hours_per_day: PositiveFloat | None = None
    """GPU hours that the task embed may take a day; null: any."""
    collected_within_hours: float = Field(default=6, gt=0)
    """How long files of the ledger may wait for the job collect_calls."""
    evaluated_within_days: float = Field(default=30, gt=0)
    """How old the last evaluation may be."""
    sampled_questions: int = Field(default=1_500, ge=0, le=100_000)
    """Maximum number of questions whose vectors and languages are compared; 0: neither is."""
    judged_again: int = Field(default=0, ge=0, le=1_000)
    """How many answers each judge judges a second time in a run, to see whether it still rates as before, within
    `evaluation.budget`; 0: none."""
    max_failures: int = Field(default=3, ge=1)
    """How often a file may fail before it counts as failing again and again."""
