"""Batches of requests inside Spark: the function for mapInPandas. Not wired yet: no job calls it.

Each worker opens one model, and a failed request becomes a row with an error instead of a failed task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Protocol

import pandas as pd
from pydantic import TypeAdapter

from ragops.answers.llms.ledger.calls import Call, Caller
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.open import key_ring, open_model
from ragops.answers.llms.providers.openvino_gguf import gguf_file
from ragops.answers.llms.providers.vllm_offline import VllmOfflineModel
from ragops.answers.llms.settings import AnyModel, Models, OpenAICompatible, OpenVinoGguf
from ragops.answers.llms.types import LanguageModel, Reply, Request
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace

REQUESTS = "call_id STRING, request STRING"
REPLIES = (
    "call_id STRING, text STRING, prompt_tokens BIGINT, completion_tokens BIGINT, seconds DOUBLE, "
    "finish_reason STRING, error STRING"
)

_ROWS_PER_FILE = 1_000
_REQUEST = TypeAdapter(Request)
_COLUMNS = [column.split()[0] for column in REPLIES.split(", ")]


class BatchModel(Protocol):
    """A model that answers many requests at a time."""

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Returns an answer, or the reason why there is none, for each request in order."""

    def close(self) -> None:
        """Releases its memory."""


class OneByOne:
    """Adapts any model to batches, one request after another."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Calls the model for each request in order."""
        return [self._answer(request) for request in requests]

    def close(self) -> None:
        """Keeps the model loaded: other code of the process may use it."""

    def _answer(self, request: Request) -> Reply | UserError:
        try:
            return self._model.generate(request)
        except UserError as error:
            return error


class Recorded:
    """A batch model whose calls get rows in the ledger."""

    def __init__(
        self, model: BatchModel, settings: AnyModel, caller: Caller, spool: Spool, keys: KeyRing | None = None
    ) -> None:
        self._model = model
        self._settings = settings
        self._caller = caller
        self._spool = spool
        self._keys = keys

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Answers as the model does; no answer is longer than the use case allows."""
        most = self._settings.max_tokens
        capped = [replace(request, max_tokens=min(request.max_tokens, most)) for request in requests]
        calls = [Call(self._settings, self._caller) for _ in capped]
        answers = self._model.generate_many(capped)
        for call, request, answer in zip(calls, capped, answers, strict=True):
            call.attempts = 1
            if isinstance(answer, UserError):
                self._spool.write(call.ended("failed", answer))
            else:
                self._spool.write(call.answered(answer, request, self._keys))
        return answers

    def close(self) -> None:
        """Writes the pending rows and closes the model."""
        self._spool.close()
        self._model.close()


def request_text(request: Request) -> str:
    """A request as JSON, for the column `request`."""
    return _REQUEST.dump_json(request).decode()


def reply_batches(open_model: Callable[[], BatchModel]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Returns the function from rows of REQUESTS to rows of REPLIES; `open_model` runs once per partition.

    Use as many partitions as there are GPUs. Rows can be processed again: `call_id` identifies them.
    """

    def reply(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        with closing(open_model()) as model:
            for batch in batches:
                requests = [_REQUEST.validate_json(text) for text in batch["request"]]
                answers = model.generate_many(requests)
                rows = [_row(call_id, answer) for call_id, answer in zip(batch["call_id"], answers, strict=True)]
                yield pd.DataFrame(rows, columns=_COLUMNS)

    return reply


def _row(call_id: str, answer: Reply | UserError) -> dict[str, object]:
    # All columns are set: pandas would fill a missing one with NaN, a float that a STRING column does not take.
    row: dict[str, object] = {**dict.fromkeys(_COLUMNS), "call_id": call_id}
    if isinstance(answer, UserError):
        return row | {"prompt_tokens": 0, "completion_tokens": 0, "seconds": 0.0, "error": str(answer)}
    return row | {name: value for name, value in asdict(answer).items() if name in row}


def batch_model(models: Models, workspace: Workspace, caller: Caller) -> Callable[[], BatchModel]:
    """Returns the function with which each of Spark's workers opens the primary model.

    Paths and keys are resolved here, on the driver: workers know neither the workspace nor its secrets.

    Raises:
        UserError: the model is served; workers have no identity to call it with, the gateway on the driver has.
        Unavailable: its file is missing.
    """
    settings = models.chain()[0]
    if isinstance(settings, OpenAICompatible):
        raise UserError(f"Model {settings.name}: a served model cannot run inside Spark; choose another with llm=NAME")
    if isinstance(settings, OpenVinoGguf):
        file = gguf_file(settings.name, settings.source, workspace.path)
        settings = settings.model_copy(update={"source": str(file)})
    folder, keys = workspace.volume(LEDGER), key_ring(models, workspace)
    portable = Workspace(workspace.catalog, workspace.schema)  # without the Spark session, which cannot be pickled

    def opened() -> BatchModel:
        model = open_model(settings, portable)
        many = model if isinstance(model, VllmOfflineModel) else OneByOne(model)
        return Recorded(many, settings, caller, Spool(folder, _ROWS_PER_FILE), keys)

    return opened
