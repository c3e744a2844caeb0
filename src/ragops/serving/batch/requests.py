"""Many requests inside Spark: what mapInPandas runs, with one model a worker and an error column instead of a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Protocol

import pandas as pd
from pydantic import TypeAdapter

from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.ledger import Caller, Entry, Spool
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

_ROWS_A_FILE = 1_000
_REQUEST = TypeAdapter(Request)
_COLUMNS = [column.split()[0] for column in REPLIES.split(", ")]


class BatchModel(Protocol):
    """A model that answers many requests at a time."""

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """An answer, or why there is none, for each request in order."""

    def close(self) -> None:
        """Lets go of its memory."""


class OneByOne:
    """Any model as one for batches."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """Asks for each answer in turn."""
        return [self._asked(request) for request in requests]

    def close(self) -> None:
        """Keeps the model: the process may have others who use it."""

    def _asked(self, request: Request) -> Reply | UserError:
        try:
            return self._model.generate(request)
        except UserError as error:
            return error


class Recorded:
    """A model for batches whose calls get rows in the ledger."""

    def __init__(
        self, model: BatchModel, settings: AnyModel, caller: Caller, spool: Spool, keys: KeyRing | None = None
    ) -> None:
        self._model, self._settings, self._caller, self._spool, self._keys = model, settings, caller, spool, keys

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        """As the model does; no answer is longer than the use case allows."""
        most = self._settings.max_tokens
        capped = [replace(request, max_tokens=min(request.max_tokens, most)) for request in requests]
        entries = [Entry(self._settings, self._settings.provider, self._caller, None) for _ in capped]
        answers = self._model.generate_many(capped)
        for entry, request, answer in zip(entries, capped, answers, strict=True):
            entry.attempts = 1
            if isinstance(answer, UserError):
                self._spool.write(entry.ended("failed", answer))
            else:
                self._spool.write(entry.answered(answer, request, self._keys))
        return answers

    def close(self) -> None:
        """Closes the model, and writes the rows still pending."""
        self._spool.close()
        self._model.close()


def request_text(request: Request) -> str:
    """A request as the column `request` holds it."""
    return _REQUEST.dump_json(request).decode()


def reply_batches(open_model: Callable[[], BatchModel]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function from rows of REQUESTS to rows of REPLIES; `open_model` runs in the worker, once a partition.

    There should be as many partitions as GPUs. A row's call_id makes it safe to run again.
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
    # Every column is there: a missing one would be a float NaN, which no STRING takes.
    row: dict[str, object] = {**dict.fromkeys(_COLUMNS), "call_id": call_id}
    if isinstance(answer, UserError):
        return row | {"prompt_tokens": 0, "completion_tokens": 0, "seconds": 0.0, "error": str(answer)}
    return row | {name: value for name, value in asdict(answer).items() if name in row}


def batch_model(models: Models, workspace: Workspace, caller: Caller) -> Callable[[], BatchModel]:
    """The recipe by which each of Spark's workers opens the primary model for itself.

    Paths and keys are found here, on the driver: workers know neither the workspace nor its secrets.

    Raises:
        UserError: the model is served: threads on the driver ask it through the gateway, workers have no identity.
        Unavailable: its file is missing.
    """
    settings = models.chain()[0]
    if isinstance(settings, OpenAICompatible):
        raise UserError(f"Model {settings.name}: it is served, and batches run in Spark; choose another with llm=NAME")
    if isinstance(settings, OpenVinoGguf):
        file = gguf_file(settings.name, settings.source, workspace.path)
        settings = settings.model_copy(update={"source": str(file)})
    folder, keys = workspace.volume(LEDGER), key_ring(models, workspace)
    place = Workspace(workspace.catalog, workspace.schema)  # without the session, which cannot travel

    def opened() -> BatchModel:
        model = open_model(settings, place)
        many = model if isinstance(model, VllmOfflineModel) else OneByOne(model)
        return Recorded(many, settings, caller, Spool(folder, _ROWS_A_FILE), keys)

    return opened
