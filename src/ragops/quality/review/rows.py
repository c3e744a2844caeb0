"""Labels and drawn answers: what a client sends, what is saved, and the rows of the tables `labels`, `review_queue`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ragops.platform.tables import Table
from ragops.quality.feedback.rows import MAX_COMMENT_CHARACTERS, UUID, plain_comment
from ragops.usecase.evaluation import JUDGES, JudgeName

Opinion = Literal["good", "bad"]
Stratum = Literal["random", "disagreement", "thumbs down"]
Source = Literal["page", "review app"]

LabelId = Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]
AnswerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Comment = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_COMMENT_CHARACTERS)] | None, AfterValidator(plain_comment)
]


class GivenLabel(BaseModel):
    """One choice of a reviewer. The client makes `label_id`, so that it can send a label again until it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_id: LabelId
    judge: JudgeName
    verdict: Opinion


class GivenLabels(BaseModel):
    """What a client sends: a reviewer's choices for one answer, with a comment on all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: AnswerId
    labels: Annotated[tuple[GivenLabel, ...], Field(min_length=1, max_length=len(JUDGES))]
    comment: Comment = None


class Label(GivenLabel):
    """A label as it is saved."""

    answer_id: AnswerId
    reviewer: str
    comment: str | None = None
    labelled_at: datetime
    source: Source = "page"

    def says_the_same(self, other: Label) -> bool:
        """Whether only the time of arrival differs."""
        return self.model_copy(update={"labelled_at": other.labelled_at}) == other


class LabelRow(BaseModel):
    """A row of the table `labels`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_id: str = Field(description="The label; made by the client.")
    answer_id: str = Field(description="The answer that it is about.")
    judge: JudgeName = Field(description="The dimension, by the judge's name.")
    verdict: Opinion = Field(description="good or bad.")
    reviewer: str = Field(description="User who gave it; counts if usecase.yml names the user as a reviewer.")
    comment: str | None = Field(description="In the reviewer's words; null without one.")
    labelled_at: datetime = Field(description="When it first reached the server, or was given in the Review App.")
    source: Source = Field(description="page (of the server) or review app.")
    traced_at: datetime | None = Field(description="When it was written on the answer's trace; null until then.")


class Drawn(BaseModel):
    """A row of the table `review_queue`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str = Field(description="The answer that reviewers are asked to label.")
    stratum: Stratum = Field(description="Why it was drawn; only random answers count in rates.")
    drawn_at: datetime = Field(description="When it was drawn.")


LABELS = Table.of(
    LabelRow,
    name="labels",
    comment="What reviewers say of answers. Of a reviewer's labels for one answer and judge the first counts.",
    key="label_id",
    cluster_by="labelled_at",
)
REVIEW_QUEUE = Table.of(
    Drawn,
    name="review_queue",
    comment="Answers that were drawn for review: at random, after disagreement, or after thumbs down.",
    key="answer_id",
)
