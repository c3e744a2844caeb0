"""The chain's settings, its input, a `Query`, and its output, an `Answer`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from ragops.answers.prompts.types import Message
from ragops.answers.retrieval.validate import check_question

if TYPE_CHECKING:
    from ragops.answers.retrieval.context import Packed

Abstained = Literal["no evidence", "the model"]
"""The reason for an abstention: no evidence in the passages, or the model declined."""


class AnswerSettings(BaseModel):
    """When to abstain, and how to handle statements without a citation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_evidence: float = Field(default=0.0, ge=0, le=1)
    """Evidence below which the chain abstains without asking a model; `ragops evaluate answers` suggests a value."""
    attribute_from: float = Field(default=0.7, gt=0, le=1)
    """An uncited sentence gets the citation of a passage that contains this share of its terms."""
    uncited: Literal["keep", "quote"] = "quote"
    """Keep an answer without any citation, or quote the passages instead."""
    max_tokens: int = Field(default=256, ge=16, le=4096)
    """Maximum length of an answer, in tokens; a model's own `max_tokens` may be lower."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of the language model; 0 for reproducible answers."""
    history_turns: int = Field(default=6, ge=0, le=50)
    """How many earlier turns are used to rewrite a follow-up question."""


@dataclass(frozen=True, slots=True)
class Query:
    """A user's question in its context; a Query with an invalid question cannot be made.

    Attributes:
        text: the question in the user's words, without surrounding white space.
        history: the turns before it, oldest first.
        groups: the asker's groups; without any, only passages for everybody are found.
        who: user or service principal, for the ledger.

    Raises:
        RequestError: the question is empty, too long, not valid UTF-8, or contains control characters.

    Example:
        >>> from ragops import Query
        >>> Query(" How do I open a file? ", groups=("docs",)).text
        'How do I open a file?'
    """

    text: str
    history: tuple[Message, ...] = ()
    groups: tuple[str, ...] = ()
    who: str = "unknown"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", check_question(self.text))


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer, or an abstention.

    Attributes:
        text: the answer, or the sentence of abstention.
        cited: the sources that it cites, by their numbers.
        sources: all sources that the model was given.
        abstained: why there is no answer; None if there is one.
        standalone: the question that was searched for.
        evidence: how well the passages match it, 0 to 1.
        prompt: the template and the first digits of its content hash.
        generation: the index generation.
        model: the model that wrote it, by its name in usecase.yml; "" if none was asked.
        failed: the models before it in the fallback chain that failed: name to reason.
        not_rewritten: the models that failed to rewrite a follow-up question: name to reason.
        valid_citations: citations written by the model that name a source it was given, counted with repetitions.
        removed_citations: those that name no such source.
        attributed: sentences that got a citation because they repeat a passage.
        quoted: whether sentences of the passages replaced a text without any citation.
        prompt_tokens: read by the model.
        completion_tokens: written by it.
        seconds: in total.
        step_seconds: of each step that was made, by its name: rewrite, retrieve, prompt, generate, check.
        trace_id: MLflow's; None without tracing.
    """

    text: str
    cited: tuple[Packed, ...]
    sources: tuple[Packed, ...]
    abstained: Abstained | None
    standalone: str
    evidence: float
    prompt: str
    generation: str
    model: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    not_rewritten: dict[str, str] = field(default_factory=dict)
    valid_citations: int = 0
    removed_citations: int = 0
    attributed: int = 0
    quoted: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    step_seconds: dict[str, float] = field(default_factory=dict)
    trace_id: str | None = None
