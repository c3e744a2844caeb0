"""The use case's section `answers`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AnswerSettings(BaseModel):
    """When to abstain, and how to handle statements without a citation.

    Attributes:
        min_evidence: below it the chain abstains without asking a model; `ragops evaluate answers` suggests a value.
        attribute_from: an uncited sentence gets the citation of a passage that contains this share of its terms.
        uncited: keep an answer without any citation, or quote the passages instead.
        max_tokens: of the answer.
        temperature: 0 for reproducible answers.
        history_turns: how many earlier turns are used to rewrite a follow-up question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_evidence: float = Field(default=0.0, ge=0, le=1)
    attribute_from: float = Field(default=0.7, gt=0, le=1)
    uncited: Literal["keep", "quote"] = "quote"
    max_tokens: int = Field(default=256, ge=16, le=4096)
    temperature: float = Field(default=0.0, ge=0, le=2)
    history_turns: int = Field(default=6, ge=0, le=50)
