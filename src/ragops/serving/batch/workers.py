"""Generation inside Spark's workers: the function for mapInPandas, with one engine for each partition.

A failed request becomes a row with an error instead of a failed task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd
from pydantic import TypeAdapter

from ragops.answers.llms.errors import ContextOverflow
from ragops.answers.llms.ledger.calls import Call, Caller
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.open import key_ring
from ragops.answers.llms.providers.vllm_offline import VllmOfflineModel
from ragops.answers.llms.settings import AnyModel, VllmOffline
from ragops.answers.llms.types import Reply, Request
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.replies import reply_row
from ragops.serving.batch.tables import REPLIES, values

_ROWS_PER_FILE = 10_000  # `generate_many` closes the file of each call before
_REQUEST = TypeAdapter(Request)


class Engine(Protocol):
    """A model that answers many requests at a time."""

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Returns an answer, or the reason why there is none, for each request in order."""

    def close(self) -> None:
        """Releases its memory."""


@dataclass
class Recorded:
    """An engine whose calls get rows in the ledger, written before its replies are returned.

    Attributes:
        engine: answers.
        settings: of its model.
        caller: for the ledger.
        spool: takes the rows.
        keys: encrypt the payloads; None records none.
    """

    engine: Engine
    settings: AnyModel
    caller: Caller
    spool: Spool
    keys: KeyRing | None = None

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Answers as the engine does; no answer is longer than the model's settings allow."""
        most = self.settings.max_tokens
        capped = [replace(request, max_tokens=min(request.max_tokens, most)) for request in requests]
        calls = [Call(self.settings, self.caller) for _ in capped]
        answers = self.engine.generate_many(capped)
        for call, request, answer in zip(calls, capped, answers, strict=True):
            call.attempts = 1
            if isinstance(answer, UserError):
                self.spool.write(call.ended("refused" if isinstance(answer, ContextOverflow) else "failed", answer))
            else:
                self.spool.write(call.answered(answer, request, self.keys))
        self.spool.close()
        return answers

    def close(self) -> None:
        """Closes the engine."""
        self.engine.close()


OpenEngine = Callable[[], Recorded]
"""Starts a worker's engine; runs there."""


def request_text(request: Request) -> str:
    """A request as JSON, for the column `request`."""
    return _REQUEST.dump_json(request).decode()


def read_request(text: str) -> Request:
    """The request in the column."""
    return _REQUEST.validate_json(text)


def reply_batches(open_engine: OpenEngine) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Returns the function from rows (request_id, request) to rows of REPLIES; the engine starts once per partition.

    Use as many partitions as there are GPUs. Rows can be processed again: `request_id` identifies them.
    """

    def reply(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        with closing(open_engine()) as engine:
            for batch in batches:
                answers = engine.generate_many([read_request(text) for text in batch["request"]])
                rows = [
                    values(reply_row(request_id, answer, engine.settings))
                    for request_id, answer in zip(batch["request_id"], answers, strict=True)
                ]
                yield pd.DataFrame(rows, columns=REPLIES.names)

    return reply


def engine_opener(batch: Batch, caller: Caller) -> OpenEngine:
    """Returns the function with which each of Spark's workers starts vLLM.

    Paths and keys are resolved here, on the driver: workers know neither the workspace nor its secrets.

    Raises:
        UserError: the model is none for vLLM, or a key is missing.
    """
    settings = batch.model
    if not isinstance(settings, VllmOffline):
        raise UserError(f"model {settings.name}: workers run models of the provider vllm_offline only; choose another")
    folder, keys = batch.workspace.volume(LEDGER), key_ring(batch.use_case.models, batch.workspace)

    def opened() -> Recorded:
        return Recorded(VllmOfflineModel(settings), settings, caller, Spool(folder, _ROWS_PER_FILE), keys)

    return opened
