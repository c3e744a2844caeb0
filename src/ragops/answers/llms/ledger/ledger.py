"""The ledger: a row for each call of a model, whoever made it and however it ended."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.settings import ModelSettings
from ragops.answers.llms.types import Reply, Request
from ragops.platform.tables import Column, Table
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.mounted import MountedFiles

_log = logging.getLogger(__name__)

Outcome = Literal["answered", "failed", "refused", "abandoned"]

CALLS = Table(
    name="llm_calls",
    comment="Calls of language models: who, which model and prompt, tokens, cost, and how each ended.",
    key="call_id",
    cluster_by="called_at",
    columns=(
        Column("call_id", "STRING", "The call."),
        Column("called_at", "TIMESTAMP", "When it began."),
        Column("who", "STRING", "User or service principal."),
        Column("purpose", "STRING", "What for: ask, rewrite, judge ..."),
        Column("model", "STRING", "The model's name in usecase.yml."),
        Column("provider", "STRING", "The kind of its provider."),
        Column("prompt_name", "STRING", "The prompt template; null where there was none."),
        Column("prompt_version", "STRING", "Its version."),
        Column("prompt_tokens", "BIGINT", "Tokens read; 0 where no model was asked."),
        Column("completion_tokens", "BIGINT", "Tokens written."),
        Column("cost", "DOUBLE", "By the use case's prices, in their currency."),
        Column("seconds", "DOUBLE", "From the call to its end, waiting and further attempts included."),
        Column("attempts", "INT", "How often the model was asked; 0 where it was not."),
        Column("cached", "BOOLEAN", "True when an earlier answer was given again."),
        Column("outcome", "STRING", "answered, failed, refused (by policy or as too long), abandoned (by the caller)."),
        Column("error", "STRING", "The kind of failure; null where there was none."),
        Column("finish_reason", "STRING", "Why the answer ended: stop, length ..."),
        Column("fallback_of", "STRING", "The model that should have answered; null for that one itself."),
        Column("fallback_reason", "STRING", "Why the model before it did not: kind of failure, status of HTTP."),
        Column("trace_id", "STRING", "MLflow's trace of the question."),
        Column("key_id", "STRING", "The key of the payload; null without one."),
        Column("payload", "STRING", "Prompt and answer as JSON, sealed (AES-GCM, Base64); null where none is kept."),
    ),
)


@dataclass(frozen=True)
class Caller:
    """On whose behalf a model is called, what for, and with which prompt."""

    who: str
    purpose: str
    prompt_name: str | None = None
    prompt_version: str | None = None
    trace_id: str | None = None


class CallRow(BaseModel):
    """A row of `llm_calls`; the columns say what its fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call_id: str
    called_at: datetime
    who: str
    purpose: str
    model: str
    provider: str
    prompt_name: str | None
    prompt_version: str | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = Field(default=0.0, ge=0)
    seconds: float
    attempts: int
    cached: bool = False
    outcome: Outcome
    error: str | None = None
    finish_reason: str | None = None
    fallback_of: str | None = None
    fallback_reason: str | None = None
    trace_id: str | None
    key_id: str | None = None
    payload: str | None = None


class Sink(Protocol):
    """Where rows go."""

    def write(self, row: CallRow) -> None:
        """Keeps a row."""


class KeptRows:
    """Rows in memory: for tests, and for a notebook that looks at its own calls."""

    def __init__(self) -> None:
        self.rows: list[CallRow] = []

    def write(self, row: CallRow) -> None:
        """Keeps a row."""
        self.rows.append(row)


class Unrecorded:
    """Nowhere: for a packaged model that stands alone."""

    def __init__(self) -> None:
        _log.warning("ledger: there is no workspace here, so calls of models are not recorded")

    def write(self, row: CallRow) -> None:
        """Forgets a row."""


class Spool:
    """Rows as files of JSON lines on a volume, from which the job that owns the table takes them.

    Each file is written once, under its own name.
    """

    def __init__(self, folder: Path, rows_a_file: int = 1) -> None:
        """Keeps back fewer than `rows_a_file` rows, which `close` writes; a killed process loses those."""
        self._folder, self._size = folder, rows_a_file
        self._files, self._names = MountedFiles(), KeptName()
        self._pending: list[CallRow] = []
        self._lock = threading.Lock()

    def write(self, row: CallRow) -> None:
        """Takes a row, and writes all pending ones when they fill a file."""
        with self._lock:
            self._pending.append(row)
            if len(self._pending) >= self._size:
                self._flush()

    def close(self) -> None:
        """Writes what is pending."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        try:
            self._files.write(self._folder / self._names.name(), as_lines(self._pending))
            self._pending = []
            self._names.used()
        except VolumeError as error:  # an answer must not be lost over its bill: the next row tries again
            _log.warning("ledger: %d rows wait, %s", len(self._pending), error)


class KeptName:
    """The name of the next file of rows, which no other has; by name they are in the order of their time.

    It is kept until it was used: what a try has left there half, or whole and unanswered, is written over by the next.
    """

    def __init__(self) -> None:
        self._of_process: dict[int, str] = {}  # a forked process has files of its own

    def name(self) -> str:
        """The same one for all tries of this process."""
        new = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex}.jsonl"
        return self._of_process.setdefault(os.getpid(), new)

    def used(self) -> None:
        """The file is written: the next one has another name."""
        self._of_process.clear()


def as_lines(rows: Iterable[CallRow]) -> bytes:
    """A file of rows."""
    return "".join(f"{row.model_dump_json()}\n" for row in rows).encode()


class Entry:
    """A call under way: counts attempts and seconds, and becomes a row when it ends."""

    def __init__(
        self,
        model: ModelSettings,
        provider: str,
        caller: Caller,
        fallback_of: str | None,
        fallback_reason: str | None = None,
    ) -> None:
        self.attempts = 0
        self._model, self._provider, self._caller = model, provider, caller
        self._fallback_of, self._fallback_reason = fallback_of, fallback_reason
        self._call_id = uuid.uuid4().hex
        self._called_at, self._started = datetime.now(UTC), time.monotonic()

    def answered(self, reply: Reply, request: Request, keys: KeyRing | None) -> CallRow:
        """The row of an answer; its payload is sealed where there are keys."""
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
        """The row of a call without an answer."""
        return self._row(outcome).model_copy(update={"error": type(error).__name__ if error else None})

    def _row(self, outcome: Outcome) -> CallRow:
        return CallRow(
            call_id=self._call_id,
            called_at=self._called_at,
            who=self._caller.who,
            purpose=self._caller.purpose,
            model=self._model.name,
            provider=self._provider,
            prompt_name=self._caller.prompt_name,
            prompt_version=self._caller.prompt_version,
            seconds=time.monotonic() - self._started,
            attempts=self.attempts,
            outcome=outcome,
            fallback_of=self._fallback_of,
            fallback_reason=self._fallback_reason,
            trace_id=self._caller.trace_id,
        )


def cost(model: ModelSettings, reply: Reply) -> float:
    """What an answer costs by the use case's prices; nothing when no model was asked for it."""
    if reply.cached:
        return 0.0
    tokens = (
        reply.prompt_tokens * model.price_per_million_input + reply.completion_tokens * model.price_per_million_output
    )
    return tokens / 1e6 + reply.seconds * model.price_per_second


def _payload(request: Request, reply: Reply) -> bytes:
    messages: Sequence[dict[str, str]] = [{"role": one.role, "content": one.content} for one in request.messages]
    return json.dumps({"messages": messages, "answer": reply.text}, ensure_ascii=False).encode()
