"""The use case's section `retrieval`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Fusion = Literal["dense", "lexical", "reciprocal_rank", "weighted"]


class RerankModel(BaseModel):
    """A cross-encoder: a model that reads question and passage together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The model's name in messages and in its folder on a volume."""
    source: str = Field(pattern=r"^(?:(?:package|hub|volume):.+|\.{0,2}/.*)$")
    """One of "package:MODULE/FOLDER", "hub:OWNER/NAME[@REVISION]", "volume:FOLDER" or a folder, as for the embedding
    model."""
    max_tokens: PositiveInt = 512
    """What the model reads of question and passage together, in tokens; longer pairs are truncated."""


class Rerank(BaseModel):
    """Scoring of the best passages by a cross-encoder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: RerankModel
    """The cross-encoder."""
    top: int = Field(default=30, ge=1, le=200)
    """How many of the fused passages it scores, at least `k`; its time is proportional to their number."""


class RetrievalSettings(BaseModel):
    """One way to find passages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Fusion = "reciprocal_rank"
    """One search alone, or both: joined by rank, or by the weighted mean of their scores, each scaled to 0..1."""
    dense_weight: float = Field(default=0.5, ge=0, le=1)
    """Weight of the dense search in that mean; the lexical search has the rest."""
    candidates: int = Field(default=50, ge=1, le=1000)
    """Number of hits from each search; at least `k`."""
    k: int = Field(default=5, ge=1, le=100)
    """Number of passages for an answer."""
    rerank: Rerank | None = None
    """The cross-encoder; none by default."""
    duplicates: float | None = Field(default=0.9, gt=0, le=1)
    """Of passages that have at least this share of their word triples in common, only the best is kept; null keeps
    all."""
    mmr: float | None = Field(default=None, ge=0, le=1)
    """Weight of maximal marginal relevance: 1 for relevance alone, 0 for diversity alone; null disables it."""
    neighbours: int = Field(default=0, ge=0, le=50)
    """Number of chunks added on either side of a passage."""
    within_section: bool = True
    """Add neighbors from the passage's own section only; enough of them give the whole section."""
    context_tokens: int = Field(default=1500, ge=50)
    """Budget for all passages together, in tokens of the model that reads them."""

    @model_validator(mode="after")
    def _enough_candidates(self) -> "RetrievalSettings":
        if self.candidates < self.k:
            raise ValueError(f"retrieval.candidates {self.candidates} is below retrieval.k {self.k}; increase it")
        return self
