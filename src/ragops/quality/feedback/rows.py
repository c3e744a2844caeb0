"""Answers and verdicts: what a client sends, what is saved, and the rows of the tables `answers` and `feedback`."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ragops.answers.chain.citations import lexical_support
from ragops.answers.chain.types import Abstained
from ragops.platform.tables import Table

REASONS: Mapping[str, str] = {
    "wrong": "It is wrong",
    "incomplete": "Something is missing",
    "off_topic": "It does not answer the question",
    "wrong_source": "The sources do not say this",
    "outdated": "It is out of date",
    "no_answer": "It should have found an answer",
    "other": "Something else",
}
"""The reasons a person can choose for a verdict, by their ids, with the words that a page shows."""
MAX_COMMENT_CHARACTERS = 2_000
EVALUATION = "evaluation"
"""Who asks the evaluation questions, in the table `answers`; not a person, so rates of feedback leave it out."""

UUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_ANSWER = r"^resp_[0-9a-f]{32}$"

Thumb = Literal["up", "down"]
Chain = tuple[str, str]
"""Name and version: of the registered model, or the use case's name and "working copy"."""


def plain_comment(text: str | None) -> str | None:
    """Line ends as line feeds, no white space around it; None if nothing is left."""
    plain = (text or "").replace("\r\n", "\n").strip()
    if controls := [c for c in plain if unicodedata.category(c) == "Cc" and c not in "\t\n"]:
        raise ValueError(f"it contains control characters (U+{ord(controls[0]):04X}); send plain text")
    return plain or None


def _reason(given: str) -> str:
    if given not in REASONS:
        raise ValueError(f"there is no such reason; give one of {', '.join(REASONS)}, or null")
    return given


class GivenVerdict(BaseModel):
    """What a client sends. The client makes `verdict_id`, so that it can send a verdict again until it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict_id: Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]
    answer_id: Annotated[str, StringConstraints(pattern=_ANSWER)]
    verdict: Thumb
    reason: Annotated[str, StringConstraints(max_length=40), AfterValidator(_reason)] | None = None
    comment: Annotated[
        Annotated[str, StringConstraints(max_length=MAX_COMMENT_CHARACTERS)] | None, AfterValidator(plain_comment)
    ] = None


class Verdict(GivenVerdict):
    """A verdict as it is saved: who gave it, and when it first arrived."""

    who: str
    given_at: datetime

    def says_the_same(self, other: Verdict) -> bool:
        """Whether only the time of arrival differs."""
        return self.model_copy(update={"given_at": other.given_at}) == other


class AnswerRow(BaseModel):
    """A row of the table `answers`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str = Field(description="The answer; the id of the response.", pattern=_ANSWER)
    asked_at: datetime = Field(description="When the question came.")
    who: str = Field(description="User or service principal who asked.")
    question: str = Field(description="The question in the user's words.")
    standalone: str = Field(description="What was searched for: a follow-up question with what it refers to.")
    answer: str = Field(description="The checked answer, or the sentence of abstention.")
    abstained: Abstained | None = Field(description="Why there is no answer; null if there is one.")
    model: str = Field(description="The model that wrote it, by its name in usecase.yml; empty if none was asked.")
    prompt: str = Field(description="The prompt template and the first digits of its content hash.")
    chain_name: str = Field(description="The registered model, or the working copy's use case.")
    chain_version: str = Field(description='Its version, or "working copy".')
    generation: str = Field(description="The index generation.")
    passages: list[str] = Field(description="Ids of the chunks that the model was given, best first.")
    cited: list[str] = Field(description="Those of them that the answer cites.")
    trace_id: str | None = Field(description="MLflow's trace; null without tracing.")
    seconds: float = Field(description="From the question to the checked answer.")
    numbers: list[int] | None = Field(
        default=None, description="The number that each of `passages` has in the answer; null in rows of old versions."
    )
    groups: list[str] | None = Field(
        default=None, description="The groups of who asked. This and what follows is null in rows of old versions."
    )
    evidence: float | None = Field(default=None, description="How well the passages match the question, 0 to 1.")
    similarities: list[float] | None = Field(
        default=None, description="Cosine similarity of each source's best passage to the question, best source first."
    )
    support: float | None = Field(
        default=None, description="Share of the answer's words that occur in the passages it cites; null if abstained."
    )
    valid_citations: int | None = Field(
        default=None, description="Citations that the model wrote, of passages that it was given."
    )
    removed_citations: int | None = Field(default=None, description="Those that it made up.")
    quoted: bool | None = Field(
        default=None, description="Whether quotes replaced what the model wrote, because it cited nothing."
    )
    failed: list[str] | None = Field(default=None, description="Models that were asked before and did not answer.")
    queue_seconds: float | None = Field(default=None, description="Waiting for the server to begin.")
    rewrite_seconds: float | None = Field(default=None, description="Rewriting a follow-up question; null if not.")
    retrieve_seconds: float | None = Field(default=None, description="Finding the passages.")
    generate_seconds: float | None = Field(
        default=None, description="The models' time, failed ones included; null if none was asked."
    )
    check_seconds: float | None = Field(default=None, description="Checking citations.")


class FeedbackRow(BaseModel):
    """A row of the table `feedback`: a verdict with what is known of its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict_id: str = Field(description="The verdict; made by the client.")
    answer_id: str = Field(description="The answer that it is about.")
    verdict: Thumb = Field(description="up or down.")
    reason: str | None = Field(description="The reason's id; null if none was chosen.")
    comment: str | None = Field(description="In the person's words; null without one.")
    who: str = Field(description="User who gave it.")
    given_at: datetime = Field(description="When it first reached the server.")
    known_answer: bool = Field(description="Whether the answer is in the table answers; else what follows is null.")
    question: str | None = Field(description="The question in the user's words.")
    chain_name: str | None = Field(description="The registered model, or the working copy's use case.")
    chain_version: str | None = Field(description='Its version, or "working copy".')
    generation: str | None = Field(description="The index generation.")
    passages: list[str] | None = Field(description="Ids of the chunks that the model was given, best first.")
    cited: list[str] | None = Field(description="Those of them that the answer cites.")
    trace_id: str | None = Field(description="MLflow's trace of the answer.")
    traced_at: datetime | None = Field(description="When it was written on the trace; null until then.")


ANSWERS = Table.of(
    AnswerRow,
    name="answers",
    comment="Answers that people got: question, answer, chain, index generation and passages.",
    key="answer_id",
    cluster_by="asked_at",
)
FEEDBACK = Table.of(
    FeedbackRow,
    name="feedback",
    comment="What people think of answers. A change of mind is a further row: the latest of a person counts.",
    key="verdict_id",
    cluster_by="given_at",
)


def answer_row(
    answer_id: str,
    question: str,
    answer: str,
    outputs: Mapping[str, Any],
    *,
    who: str,
    asked_at: datetime,
    chain: Chain,
    groups: Sequence[str] | None = None,
    queue_seconds: float | None = None,
) -> AnswerRow:
    """The row of an answer.

    Args:
        answer_id: "resp_" and 32 hexadecimal digits.
        question: in the user's words.
        answer: the checked answer, or the sentence of abstention.
        outputs: everything else about it, as `answers.chain.console.as_outputs`.
        who: who asked.
        asked_at: when the question came, with a time zone.
        chain: name and version of the chain that answered.
        groups: of who asked; None if they are not known.
        queue_seconds: how long the question waited before the chain began; None if that is not known.
    """
    taken = ("standalone", "abstained", "model", "prompt", "generation", "trace_id", "seconds")
    sources = outputs["sources"]
    cited = [one for one in sources if one["cited"]]
    return AnswerRow(
        answer_id=answer_id,
        question=question,
        answer=answer,
        who=who,
        asked_at=asked_at,
        chain_name=chain[0],
        chain_version=chain[1],
        passages=[chunk for one in sources for chunk in one["chunk_ids"]],
        numbers=[one["number"] for one in sources for _ in one["chunk_ids"]],
        cited=[chunk for one in cited for chunk in one["chunk_ids"]],
        groups=None if groups is None else list(groups),
        queue_seconds=queue_seconds,
        similarities=[one["similarity"] for one in sources if one.get("similarity") is not None],
        support=None if outputs["abstained"] else lexical_support(answer, (one.get("text", "") for one in cited)),
        **{name: outputs[name] for name in taken},
        **_measured(outputs),
    )


def _measured(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What chains report since they are monitored; None for one that was logged before."""
    seconds = outputs.get("step_seconds", {})
    named = ("evidence", "valid_citations", "removed_citations", "quoted")
    steps = {f"{step}_seconds": seconds.get(step) for step in ("rewrite", "retrieve", "generate", "check")}
    return {name: outputs.get(name) for name in named} | steps | {"failed": list(outputs.get("failed", ()))}
