"""How answers are made: the use case's section `answers`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AnswerSettings(BaseModel):
    """When there is too little to answer from, and what is done about statements without a citation.

    Attributes:
        min_evidence: below it nobody is asked and the answer is an abstention; `ragops evaluate answers` measures it.
        attribute_from: a sentence without a citation gets that of a passage which holds this share of its words.
        uncited: an answer that cites nothing at all is kept as it is, or gives way to the passages' own sentences.
        max_tokens: the longest answer.
        temperature: 0 for the same answer each time.
        history_turns: earlier turns that may be needed to understand a question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_evidence: float = Field(default=0.0, ge=0, le=1)
    attribute_from: float = Field(default=0.7, gt=0, le=1)
    uncited: Literal["keep", "quote"] = "quote"
    max_tokens: int = Field(default=256, ge=16, le=4096)
    temperature: float = Field(default=0.0, ge=0, le=2)
    history_turns: int = Field(default=6, ge=0, le=50)
