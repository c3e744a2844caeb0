"""The tables of a batch: its answers, and the requests and replies that are under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Int32, Table

Outcome = Literal["answered", "abstained", "refused", "failed"]


class BatchRequest(BaseModel):
    """A row of the table of requests: a question with its passages, until its answer is in the table of answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str = Field(description="Hash of answer, input, index generation and attempt.")
    answer_id: str = Field(description="The row in the table of answers.")
    question_id: str | None = Field(description="As in the table of questions; null if it is missing there.")
    question: str = Field(description="The question.")
    groups: tuple[str, ...] = Field(description="The groups that the passages are searched for.")
    chain: str = Field(description="Fingerprint of the chain and its model.")
    input: str = Field(description="Hash of the question's text, its groups and what is wrong with its row.")
    attempt: Int32 = Field(description="The number of this attempt to answer, from 1.")
    generation: str = Field(description="The index generation that was searched.")
    request: str | None = Field(description="What the model is asked, as JSON; null if no model is asked.")
    context: str | None = Field(description="The passages, as JSON; null if nothing was searched.")
    evidence: float = Field(description="How well the passages match the question, 0 to 1.")
    problem: str | None = Field(description="Why there is no answer; null if nothing prevents one.")
    is_refused: bool = Field(description="Whether the row of the question itself is at fault.")


class BatchReply(BaseModel):
    """A row of the table of replies: what a model wrote, until it is checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str = Field(description="The request.")
    text: str | None = Field(default=None, description="What the model wrote; null if it failed.")
    model: str = Field(description="The model's name in usecase.yml.")
    provider: str = Field(description="The kind of its provider.")
    prompt_tokens: int = Field(default=0, description="Tokens read.")
    completion_tokens: int = Field(default=0, description="Tokens written.")
    seconds: float = Field(default=0.0, description="The model's time; its share where it answers many at once.")
    finish_reason: str | None = Field(default=None, description="Why the reply ended: stop, length ...")
    cost: float = Field(default=0.0, description="By the use case's prices, in their currency.")
    error: str | None = Field(default=None, description="Why the model failed; null if it did not.")
    is_refused: bool = Field(default=False, description="Whether the model would refuse this request again.")
    replied_at: datetime = Field(description="When.")


class BatchAnswer(BaseModel):
    """A row of the table of answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str = Field(description="Hash of question id and chain.")
    question_id: str | None = Field(description="As in the table of questions; null if it is missing there.")
    question: str = Field(description="The question, at most one character longer than a question may be.")
    groups: tuple[str, ...] = Field(description="The groups that it was answered for; empty: everybody.")
    chain: str = Field(description="Fingerprint of the chain and its model; others make other rows.")
    outcome: Outcome = Field(
        description="answered, abstained, refused (the row itself is at fault), failed (tried again by the next run)."
    )
    answer: str | None = Field(description="The checked answer, or the sentence of abstention; null if there is none.")
    abstained: str | None = Field(description="Why the chain abstained: no evidence, the model; else null.")
    cited: tuple[str, ...] = Field(description="Chunks that the answer cites, by their ids.")
    paths: tuple[str, ...] = Field(description="Documents that the answer cites.")
    error: str | None = Field(description="Why there is no answer; null if there is one.")
    attempts: Int32 = Field(description="How often an answer was tried.")
    model: str = Field(description="The model that wrote it, by its name in usecase.yml; empty if none was asked.")
    prompt: str = Field(description="The prompt template and the first digits of its content hash.")
    generation: str = Field(description="The index generation that the passages are from.")
    evidence: float = Field(description="How well the passages match the question, 0 to 1.")
    prompt_tokens: int = Field(description="Tokens read.")
    completion_tokens: int = Field(description="Tokens written.")
    seconds: float = Field(description="The model's time; its share where it answers many at once.")
    cost: float = Field(description="By the use case's prices, in their currency.")
    outputs: str | None = Field(description="Sources and figures as JSON, as `ragops ask --json` prints them.")
    input: str = Field(description="Hash of the question's text, its groups and what is wrong with its row.")
    request_id: str = Field(description="The request that was answered.")
    answered_at: datetime = Field(description="When.")
    chain_name: str | None = Field(description="The registered model, or the working copy's use case.")
    chain_version: str | None = Field(description='Its version, or "working copy"; null in rows of earlier releases.')


REQUESTS = Table.of(
    BatchRequest,
    name="batch_answers_requests",
    comment="Questions of a batch that are under way, with their passages. Empty between runs.",
    key="request_id",
    cluster_by="request_id",
)
REPLIES = Table.of(
    BatchReply,
    name="batch_answers_replies",
    comment="Replies of a batch's model that are not checked yet. Empty between runs.",
    key="request_id",
    cluster_by="request_id",
)
ANSWERS = Table.of(
    BatchAnswer,
    name="batch_answers",
    comment="Answers to a table of questions, by question id and chain.",
    key="answer_id",
    cluster_by="answer_id",
)


@dataclass(frozen=True)
class BatchTables:
    """The tables of one batch."""

    answers: Table
    requests: Table
    replies: Table

    @classmethod
    def named(cls, output: str) -> BatchTables:
        """The tables of the batch whose answers go to this table; each has its own requests and replies."""
        return cls(
            replace(ANSWERS, name=output),
            replace(REQUESTS, name=f"{output}_requests"),
            replace(REPLIES, name=f"{output}_replies"),
        )


def values(row: BaseModel) -> tuple[object, ...]:
    """A row's values in the order of its table's columns, as `createDataFrame` takes them."""
    return tuple(list(value) if isinstance(value, tuple) else value for _, value in row)
