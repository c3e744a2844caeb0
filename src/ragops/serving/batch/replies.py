"""A model's reply as a row, and what a run's rows say about speed and cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragops.answers.llms.errors import ContextOverflow
from ragops.answers.llms.ledger.calls import cost
from ragops.answers.llms.settings import AnyModel
from ragops.answers.llms.types import Reply
from ragops.errors import UserError
from ragops.serving.batch.tables import BatchReply

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def reply_row(request_id: str, answer: Reply | UserError, settings: AnyModel) -> BatchReply:
    """The row of a reply, or of the reason why there is none."""
    now = datetime.now(UTC)
    if isinstance(answer, UserError):
        return BatchReply(
            request_id=request_id,
            model=settings.name,
            provider=settings.provider,
            error=str(answer),
            is_refused=isinstance(answer, ContextOverflow),
            replied_at=now,
        )
    return BatchReply(
        request_id=request_id,
        text=answer.text,
        model=answer.model,
        provider=answer.provider,
        prompt_tokens=0 if answer.cached else answer.prompt_tokens,
        completion_tokens=0 if answer.cached else answer.completion_tokens,
        seconds=0.0 if answer.cached else answer.seconds,
        finish_reason=answer.finish_reason,
        cost=cost(settings, answer),
        replied_at=now,
    )


@dataclass(frozen=True)
class Generated:
    """What one run generated.

    Attributes:
        replies: without those that failed.
        failed: requests without a reply.
        tokens_read: by the model.
        tokens_written: by it.
        cost: by the use case's prices.
        wall_seconds: of the run, with the start of its engines.
        gpus: how many were used; 0 without any.
        error: of one that failed; "" if none did.
    """

    replies: int
    failed: int
    tokens_read: int
    tokens_written: int
    cost: float
    wall_seconds: float
    gpus: int
    error: str

    def lines(self) -> list[str]:
        """Rows/s, tokens/s for each GPU and the cost of 1,000 answers, for people."""
        seconds = max(self.wall_seconds, 1e-9)
        tokens = self.tokens_written / seconds
        each = f"{tokens / self.gpus:,.1f} for each of {self.gpus} GPUs" if self.gpus else "on CPUs"
        speed = f"{self.replies / seconds:,.2f} rows/s, {tokens:,.1f} tokens/s written ({each})"
        found = [f"{self.replies:,} replies in {self.wall_seconds:,.1f} s: {speed}"]
        if self.replies:
            per_thousand = self.cost / self.replies * 1000
            found.append(f"cost: {self.cost:,.4f}; for 1,000 answers {per_thousand:,.4f}")
        if self.failed:
            found.append(f"{self.failed:,} requests failed, for example: {self.error}")
        return found


def generated(replies: DataFrame, since: datetime, wall_seconds: float, gpus: int) -> Generated:
    """The figures of the replies since this time."""
    from pyspark.sql import functions as F

    failed = F.col("error").isNotNull()
    (row,) = (
        replies.where(F.col("replied_at") >= F.lit(since))
        .agg(
            F.count_if(~failed),
            F.count_if(failed),
            F.sum("prompt_tokens"),
            F.sum("completion_tokens"),
            F.sum("cost"),
            F.max("error"),
        )
        .collect()
    )
    succeeded, failures, read, written = (int(value or 0) for value in row[:4])
    return Generated(succeeded, failures, read, written, float(row[4] or 0.0), wall_seconds, gpus, row[5] or "")
