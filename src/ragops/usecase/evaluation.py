"""Sections `evaluation` and `release` of usecase.yml: what is asked, who judges answers, what the gate requires."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, NonNegativeFloat, PositiveFloat, field_validator

from ragops.usecase.section import Section

JudgeName = Literal["context_relevance", "groundedness", "answer_relevance", "correctness"]
"""What a judge looks at: the passages found, the answer's claims against them, the answer against the question, and the
answer against a reference."""
JUDGES: tuple[JudgeName, ...] = get_args(JudgeName)


class Evaluation(Section):
    """The evaluation set, and the judging of answers by a language model and by people."""

    questions: str | None = None
    """"sample" for the questions about the sample corpus, "sample_same_words" for those that use its words, the path of
    a file or a folder, relative to the use case's folder or below /Volumes, or "dataset:" with the name of an MLflow
    evaluation dataset; without questions nothing is evaluated."""
    judge: str | None = None
    """Name of the model in `models.known` that judges answers, another one than `models.answer.primary`; null: none
    does."""
    judges: tuple[JudgeName, ...] = JUDGES
    """What it judges; `correctness` only where a question has a reference answer."""
    max_error_share: float = Field(default=0.1, ge=0, le=1)
    """Maximum share of judge calls without a verdict (refused, failed or unreadable); above it the run fails."""
    min_kappa: float = Field(default=0.6, ge=-1, le=1)
    """Minimum agreement of a judge with people, as Cohen's kappa; a judge below it, or without labels, informs but does
    not decide."""
    budget: PositiveFloat | None = None
    """Maximum cost of judging in one run, in the currency of the models' prices; null for no limit."""
    hourly_rate: PositiveFloat | None = None
    """Cost of an hour of a person who judges answers, in the same currency, for comparison; null: not compared."""
    label_seconds: PositiveFloat = 60.0
    """Time that a person needs for one label, in seconds."""
    judge_sample: float = Field(default=0.1, ge=0, le=1)
    """Share of the answers to users that are judged; 0: none."""
    workers: int = Field(default=4, ge=1, le=64)
    """Maximum number of judge calls at the same time."""
    reviewers: tuple[str, ...] = ()
    """Names of the users who may label answers; empty: nobody."""

    @field_validator("judges", "reviewers")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"{twice} occurs twice; name each once")
        if not all(name.strip() for name in names):
            raise ValueError("one of the names is empty; remove it")
        return names


class Release(Section):
    """The gate: what a chain must reach before it becomes champion."""

    floors: dict[str, float] = Field(default_factory=dict)
    """Minimum by measure; `ragops evaluate answers` and the job release list the measures."""
    ceilings: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    """Maximum by measure, for example seconds_p95."""
    margin: float = Field(default=0.05, ge=0, le=1)
    """How much worse than the champion a chain may be, at the lower end of the paired 95 % interval."""
    max_error_share: float = Field(default=0.02, ge=0, le=1)
    """Maximum share of questions that end with neither an answer nor an abstention."""
    questions: int = Field(default=10_000, ge=2)
    """Maximum number of questions of the evaluation set that a release asks; the same ones each time."""
