"""From the use case and a place to the encoder of its embedding model: all that the task embed needs of an assembly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ragops.answers.llms.open import own_serving
from ragops.answers.llms.policy import Policy
from ragops.corpus.embeddings.devices import CPU
from ragops.corpus.embeddings.interface import Encoder, EncoderSource
from ragops.corpus.embeddings.recipes import Backend, encoder_source
from ragops.platform.workspace import on_databricks
from ragops.usecase import UseCase


def encoding(use_case: UseCase, models: Path, backend: Backend, threads: int = 1) -> EncoderSource:
    """The recipe for the use case's embedding model; one for the CPU is converted into `models`, once. 0 threads: all.

    Raises:
        PolicyError: it is an endpoint that may not see the documents; nothing was sent.
    """
    if use_case.embedding.is_endpoint:
        base_url, tokens = _endpoint(use_case)  # whoever asks may outlive a token
        return encoder_source(use_case.embedding, backend, converted=models, base_url=base_url, token=tokens)
    return encoder_source(use_case.embedding, backend, converted=models, threads=threads)


def query_encoder(use_case: UseCase, models: Path) -> Encoder:
    """Questions are encoded on the CPU wherever one asks: one text gains nothing from a GPU. Raises as `encoding`."""
    return encoding(use_case, models, "openvino", threads=0).load(CPU)


def _endpoint(use_case: UseCase) -> tuple[str, Callable[[], str]]:
    """Address and tokens of the use case's embedding endpoint. The workspace's tokens go to its own endpoints only."""
    own, tokens = own_serving()
    address = use_case.embedding.base_url or own
    is_own = on_databricks() and f"{address}/".startswith(f"{own}/")
    Policy(use_case.corpus.classification).check_embedding(use_case.embedding.name, address, is_own)
    return address, (lambda: "") if on_databricks() and not is_own else tokens
