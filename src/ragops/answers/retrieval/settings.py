"""How passages are found for a question: the use case's section `retrieval`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Fusion = Literal["dense", "lexical", "reciprocal_rank", "weighted"]


class RerankModel(BaseModel):
    """A cross-encoder, which reads question and passage together.

    `source` is one of "package:MODULE/FOLDER", "hub:OWNER/NAME[@REVISION]", "volume:FOLDER" and a folder, as for the
    embedding model; a pair longer than `max_tokens` is cut there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str = Field(pattern=r"^(?:(?:package|hub|volume):.+|\.{0,2}/.*)$")
    max_tokens: PositiveInt = 512


class Rerank(BaseModel):
    """The cross-encoder, and how many of the fused passages it reads: the price is linear in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: RerankModel
    top: int = Field(default=30, ge=1, le=200)


class RetrievalSettings(BaseModel):
    """One way to find passages.

    Attributes:
        fusion: one search alone, or both: joined by rank, or by a weighted mean of scores scaled to 0..1 for each.
        dense_weight: the dense search's share in that mean.
        candidates: hits taken from each search.
        k: passages that an answer is made from.
        rerank: the cross-encoder; none by default.
        duplicates: of passages that share this share of their word triples or more, only the best stays; None: all do.
        mmr: maximal marginal relevance: 1 looks at relevance alone, 0 at difference alone; None: not done.
        neighbours: chunks taken along on either side of a passage.
        within_section: neighbours come from the passage's own section only; with many, that is the whole section.
        context_tokens: how long all passages together may be, in tokens of the model that reads them.
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
            raise ValueError(f"retrieval.candidates {self.candidates} is below retrieval.k {self.k}; raise it")
        return self
