"""What goes into the chain, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragops.answers.prompts.messages import Message
from ragops.answers.retrieval.context import Packed

Abstained = Literal["no evidence", "the model"]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks.

    Attributes:
        text: the question as it was put.
        history: the turns before it, oldest first.
        groups: those that the caller belongs to; none finds only what is for everybody.
        who: user or service principal, for the ledger.
    """

    text: str
    history: tuple[Message, ...] = ()
    groups: tuple[str, ...] = ()
    who: str = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the chain says.

    Attributes:
        text: the answer, or the sentence of abstention.
        cited: the passages that it cites, by their numbers.
        sources: all passages that the model was given.
        abstained: who found that there is no answer; None where there is one.
        standalone: the question as it was searched for.
        evidence: how well the passages fit it, 0 to 1.
        prompt: the template and the beginning of its content hash.
        generation: the index generation.
        model: who wrote it, by its name in usecase.yml; "" where nobody was asked.
        failed: the models that should have written it and did not, by name, and why.
        not_rewritten: likewise those that should have made a question that follows others stand alone.
        valid_citations: citations that the model wrote of passages that it was given, each time anew.
        removed_citations: those of passages that nobody was given.
        attributed: sentences that got a citation for what they repeat of a passage.
        quoted: whether the passages' own sentences took the place of a text that cited nothing.
        prompt_tokens: read by the model.
        completion_tokens: written by it.
        seconds: of everything.
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
    trace_id: str | None = None
