"""Rows of the table `judgments`: a judge's verdict on an answer, or why there is none, and its cost."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Table
from ragops.usecase.evaluation import JudgeName

State = Literal["scored", "refused", "error", "unparsed"]
"""How a judge call ended: with a verdict; the judge or its server declined; no reply came (timeout, failure, prompt too
long); or the reply contains no verdict."""
STATES: tuple[State, ...] = get_args(State)
GOOD_FROM = 0.5
"""The score from which an answer counts as good, where it is compared with the labels of people."""


class Judgment(BaseModel):
    """A row of the table `judgments`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judgment_id: str = Field(description="The judgment: a hash of judge version, inputs and answer.")
    inputs: str = Field(description="Hash of judge version and inputs; equal ones are judged once and copied.")
    answer_id: str = Field(description="The answer that was judged.")
    question_id: str | None = Field(description="The evaluation question; null for an answer to a user.")
    question: str = Field(description="The question that was answered.")
    cluster: str = Field(description="What rises and falls together: the question's topic, or the question alone.")
    judge: JudgeName = Field(description="The dimension that was judged.")
    judge_version: str = Field(description="Hash of prompt, examples, model and parameters.")
    model: str = Field(description="The judging model, by its name in usecase.yml.")
    state: State = Field(description="scored, refused, error (no reply) or unparsed (a reply without a verdict).")
    verdict: str | None = Field(
        description="yes, partly or no, of passages the best, of statements the worst; null unless scored."
    )
    score: float | None = Field(description="0 to 1, of passages the best, of statements the mean; null unless scored.")
    reason: str | None = Field(description="The judge's reason for its verdict, or why there is no verdict.")
    details: str | None = Field(
        description="As JSON: the verdicts on all passages or statements; null for one verdict."
    )
    input_tokens: int = Field(default=0, description="Tokens read; 0 if no model was called.")
    output_tokens: int = Field(default=0, description="Tokens written.")
    estimated_tokens: int = Field(default=0, description="Tokens read by our own count, from which forecasts learn.")
    cost: float = Field(default=0.0, ge=0, description="By the use case's prices, in their currency.")
    seconds: float = Field(default=0.0, description="From the request to the verdict, including retries.")
    cached: bool = Field(default=False, description="True if an earlier judgment of the same inputs was copied.")
    judged_at: datetime = Field(description="When the judge was asked; of a copy, when it was copied.")
    run_id: str | None = Field(default=None, description="MLflow's run that asked; null without one.")
    trace_id: str | None = Field(default=None, description="MLflow's trace of the answer; null without one.")
    traced_at: datetime | None = Field(default=None, description="When it was written on the trace; null until then.")

    @property
    def good(self) -> bool | None:
        """Whether the judge finds the answer good; None unless scored."""
        return None if self.score is None else self.score >= GOOD_FROM


JUDGMENTS = Table.of(
    Judgment,
    name="judgments",
    comment="Judges' verdicts on answers, or why there is no verdict, with tokens and cost.",
    key="judgment_id",
    cluster_by="judged_at",
)
