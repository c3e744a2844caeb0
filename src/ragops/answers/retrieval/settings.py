"""The use case's section `retrieval`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Fusion = Literal["dense", "lexical", "reciprocal_rank", "weighted"]


class RerankModel(BaseModel):
    """A cross-encoder: a model that reads question and passage together.

    `source` is "package:MODULE/FOLDER", "hub:OWNER/NAME[@REVISION]", "volume:FOLDER" or a folder, as for the embedding
    model. Pairs of question and passage are truncated to `max_tokens`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str = Field(pattern=r"^(?:(?:package|hub|volume):.+|\.{0,2}/.*)$")
    max_tokens: PositiveInt = 512


class Rerank(BaseModel):
    """The cross-encoder, and how many of the fused passages it scores: its cost is linear in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: RerankModel
    top: int = Field(default=30, ge=1, le=200)


class RetrievalSettings(BaseModel):
    """One way to find passages.

    Attributes:
        fusion: one search alone, or both: joined by rank, or by the weighted mean of their scores, each scaled to 0..1.
        dense_weight: the dense search's share in that mean.
        candidates: hits from each search.
        k: passages for an answer.
        rerank: the cross-encoder; none by default.
        duplicates: of passages that have at least this share of their word triples in common, only the best is kept;
            None keeps all.
        mmr: weight of maximal marginal relevance: 1 for relevance alone, 0 for diversity alone; None disables it.
        neighbours: chunks added on either side of a passage.
        within_section: add neighbors from the passage's own section only; enough of them give the whole section.
        context_tokens: budget for all passages together, in tokens of the model that reads them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Fusion = "reciprocal_rank"
    dense_weight: float = Field(default=0.5, ge=0, le=1)
    candidates: int = Field(default=50, ge=1, le=1000)
    k: int = Field(default=5, ge=1, le=100)
    rerank: Rerank | None = None
    duplicates: float | None = Field(default=0.9, gt=0, le=1)
    mmr: float | None = Field(default=None, ge=0, le=1)
    neighbours: int = Field(default=0, ge=0, le=50)
    within_section: bool = True
    context_tokens: int = Field(default=1500, ge=50)

    @model_validator(mode="after")
    def _enough_candidates(self) -> "RetrievalSettings":
        if self.candidates < self.k:
            raise ValueError(f"retrieval.candidates {self.candidates} is below retrieval.k {self.k}; increase it")
        return self
