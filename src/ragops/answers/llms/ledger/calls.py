"""The ledger of model calls: a row for each call, with who made it, what it cost and how it ended."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ragops.answers.llms.errors import ModelFailure
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.settings import AnyModel, ModelSettings
from ragops.answers.llms.types import Reply, Request
from ragops.platform.tables import Int32, Table

Outcome = Literal["answered", "failed", "refused", "abandoned"]


@dataclass(frozen=True)
class Caller:
    """On whose behalf a model is called, for what purpose, and with which prompt."""

    who: str
    purpose: str
    prompt_name: str | None = None
    prompt_version: str | None = None
    trace_id: str | None = None


class CallRow(BaseModel):
    """A row of the table `llm_calls`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call_id: str = Field(description="The call.")
    called_at: datetime = Field(description="When it began.")
    who: str = Field(description="User or service principal.")
    purpose: str = Field(description="Purpose: ask, rewrite, judge ...")
    model: str = Field(description="The model's name in usecase.yml.")
    provider: str = Field(description="The kind of its provider.")
    prompt_name: str | None = Field(description="The prompt template; null if none was used.")
    prompt_version: str | None = Field(description="Its version.")
    prompt_tokens: int = Field(default=0, description="Tokens read; 0 if no model was called.")
    completion_tokens: int = Field(default=0, description="Tokens written.")
    cost: float = Field(default=0.0, ge=0, description="By the use case's prices, in their currency.")
    seconds: float = Field(description="From the call to its end, including waiting and retries.")
    attempts: Int32 = Field(description="How often the model was called; 0 if it was not.")
    cached: bool = Field(default=False, description="True if an earlier answer was reused.")
    outcome: Outcome = Field(description="answered, failed, refused (policy, too long), abandoned (by the caller).")
    error: str | None = Field(default=None, description="The kind of failure; null if there was none.")
    finish_reason: str | None = Field(default=None, description="Why the answer ended: stop, length ...")
    fallback_of: str | None = Field(default=None, description="The primary model if this one is a fallback, else null.")
    fallback_reason: str | None = Field(
        default=None, description="Why the model before it did not answer: kind of failure, HTTP status."
    )
    trace_id: str | None = Field(description="MLflow's trace of the question.")
    key_id: str | None = Field(default=None, description="The key of the payload; null without one.")
    payload: str | None = Field(
        default=None, description="Prompt and answer as JSON, encrypted (AES-GCM, Base64); null if not recorded."
    )


CALLS = Table.of(
    CallRow,
    name="llm_calls",
    comment="Calls of language models: who, which model and prompt, tokens, cost, and how each ended.",
    key="call_id",
    cluster_by="called_at",
)


class Call:
    """A call in progress: it counts attempts and time, and becomes a row when it ends.

    Attributes:
        attempts: how often the model was called.
    """

    def __init__(
        self, model: AnyModel, caller: Caller, fallback_of: str | None = None, fallback_reason: str | None = None
    ) -> None:
        self.attempts = 0
        self._model = model
        self._caller = caller
        self._fallback_of, self._fallback_reason = fallback_of, fallback_reason
        self._call_id = uuid.uuid4().hex
        self._called_at, self._started = datetime.now(UTC), time.monotonic()

    def answered(self, reply: Reply, request: Request, keys: KeyRing | None) -> CallRow:
        """The row of an answered call; with `keys` it includes the encrypted prompt and answer."""
        row = self._row("answered").model_copy(
            update={
                "prompt_tokens": 0 if reply.cached else reply.prompt_tokens,
                "completion_tokens": 0 if reply.cached else reply.completion_tokens,
                "cost": cost(self._model, reply),
                "cached": reply.cached,
                "finish_reason": reply.finish_reason,
            }
        )
        if keys is None:
            return row
        sealed = keys.seal(_payload(request, reply), row.call_id)
        data = base64.b64encode(sealed.data).decode("ascii")
        return row.model_copy(update={"key_id": sealed.key_id, "payload": data})

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> CallRow:
        """The row of a call without an answer; an unusable reply still costs money."""
        row = self._row(outcome)
        read, written = error.tokens if isinstance(error, ModelFailure) else (0, 0)
        spent = {
            "prompt_tokens": read,
            "completion_tokens": written,
            "cost": _price(self._model, read, written, row.seconds) if read else 0.0,
        }
        return row.model_copy(update={"error": type(error).__name__ if error else None, **spent})

    def _row(self, outcome: Outcome) -> CallRow:
        return CallRow(
            **asdict(self._caller),
            call_id=self._call_id,
            called_at=self._called_at,
            model=self._model.name,
            provider=self._model.provider,
            seconds=time.monotonic() - self._started,
            attempts=self.attempts,
            outcome=outcome,
            fallback_of=self._fallback_of,
            fallback_reason=self._fallback_reason,
        )


def cost(model: ModelSettings, reply: Reply) -> float:
    """What an answer costs by the use case's prices; 0 for a cached one."""
    if reply.cached:
        return 0.0
    return _price(model, reply.prompt_tokens, reply.completion_tokens, reply.seconds)


def _price(model: ModelSettings, read: int, written: int, seconds: float) -> float:
    tokens = read * model.price_per_million_input + written * model.price_per_million_output
    return tokens / 1e6 + seconds * model.price_per_second


def _payload(request: Request, reply: Reply) -> bytes:
    return json.dumps({"messages": request.chat(), "answer": reply.text}, ensure_ascii=False).encode()
