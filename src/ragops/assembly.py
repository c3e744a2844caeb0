"""From the use case and a place to the parts that answer there: encoder, search, gateway to models, chain.

Notebooks, jobs, commands and the packaged model all put their parts together here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.trace import without_texts
from ragops.answers.llms.ledger.ledger import Sink
from ragops.answers.llms.open import open_gateway
from ragops.answers.prompts.catalogue import find
from ragops.answers.prompts.delimiters import SHORTEST_KEY
from ragops.answers.prompts.template import Template
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.locations import index_root
from ragops.encoding import query_encoder
from ragops.errors import UserError
from ragops.platform.compute import on_databricks
from ragops.platform.credentials import secret
from ragops.platform.workspace import Workspace, find_local_home, models_folder
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.retrieval.rerankers.interface import Reranker
    from ragops.answers.retrieval.search import Searcher
    from ragops.corpus.embeddings.interface import Encoder

PROMPT_TOKENS = 900
"""What instructions, examples and marks take of a model's context, beside the passages."""
_KEY_SECRET = "prompt-marks"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Place:
    """Where the parts are: the schema, its converted models, and the index.

    A packaged model brings its own `models` and perhaps its own `index`; elsewhere they are the schema's.
    """

    workspace: Workspace
    models: Path
    index: Path

    @classmethod
    def of(cls, workspace: Workspace) -> Place:
        """A schema's own."""
        return cls(workspace, models_folder(workspace), index_root(workspace))


def open_reranker(use_case: UseCase, models: Path) -> Reranker | None:
    """The use case's cross-encoder on the CPU; None when it names none."""
    if use_case.retrieval.rerank is None:
        return None
    from ragops.answers.retrieval.rerankers.load import load_reranker

    return load_reranker(use_case.retrieval.rerank.model, "openvino", converted=models)


def open_searcher(
    use_case: UseCase, place: Place, settings: RetrievalSettings | None = None, encoder: Encoder | None = None
) -> Searcher:
    """Search as the use case says, or with other settings; `encoder` if it is open already.

    Raises:
        UserError: there is no index, or it was built with another model or under other access rules.
    """
    from ragops.answers.retrieval.search import Searcher

    return Searcher(
        place.index,
        use_case.embedding,
        encoder or query_encoder(use_case, place.models),
        settings or use_case.retrieval,
        reranker=open_reranker(use_case, place.models),
        known_groups=use_case.corpus.groups,
        rules=use_case.corpus.access,
    )


def open_chain(
    use_case: UseCase, templates: Mapping[str, Template], place: Place, sink: Sink | None = None, prompt: str = ""
) -> Chain:
    """The use case's chain, with its prompt or another. Rows of the ledger go to the schema's volume, unless to `sink`.

    Where the documents are confidential, traces of this process hold no texts from here on.

    Raises:
        UserError: as `open_searcher`, or there is no such prompt.
    """
    guard_traces(use_case)
    template = find(templates, prompt or use_case.prompts.answer, "answer")
    rewrite = find(templates, use_case.prompts.rewrite, "rewrite")
    searcher = open_searcher(use_case, place, fitting(use_case))
    gateway = open_gateway(use_case.models, use_case.corpus.classification, place.workspace, sink)
    values = use_case.prompts.values_for(template)
    return Chain(searcher, gateway, template, rewrite, use_case.answers, values, marks_key(place.workspace))


def guard_traces(use_case: UseCase) -> None:
    """Keeps the text of confidential documents out of traces, which everybody reads who may read the experiment.

    Steps, times, models and figures stay in them.
    """
    if use_case.corpus.classification == "confidential":
        import mlflow

        mlflow.tracing.configure(span_processors=[without_texts])


def fitting(use_case: UseCase) -> RetrievalSettings:
    """The use case's retrieval with no more passages than its primary model's context has room for."""
    primary = use_case.models.chain()[0]
    room = primary.context_tokens - min(primary.max_tokens, use_case.answers.max_tokens) - PROMPT_TOKENS
    return use_case.retrieval.model_copy(
        update={"context_tokens": max(50, min(use_case.retrieval.context_tokens, room))}
    )


def marks_key(workspace: Workspace) -> bytes:
    """The key of the marks around passages, one for all processes of a place: equal questions get equal prompts.

    The secret `prompt-marks` where there is one; in a local workspace a file that only its user may read; else one for
    this process alone, whose prompts differ from those of others in nothing but the marks.

    Raises:
        UserError: the key is there and too short, or the file cannot be read.
    """
    if not on_databricks():
        home = find_local_home()
        return _local_key(home / "prompt-marks.key") if home else secrets.token_bytes(_KEY_BYTES)
    scope = workspace.secret_scope
    try:
        key = secret(scope, _KEY_SECRET).encode()
    except UserError:
        return secrets.token_bytes(_KEY_BYTES)
    return _long_enough(key, f"secret {scope}/{_KEY_SECRET}", f"set it with: databricks secrets put-secret {scope}")


def _local_key(file: Path) -> bytes:
    fix = "remove it, and the next question makes another"
    try:
        if not file.exists():
            draft = file.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_bytes(secrets.token_bytes(_KEY_BYTES))
            with suppress(FileExistsError):  # the first of several processes wins, and nobody reads half a key
                os.link(draft, file)
            draft.unlink()
        return _long_enough(file.read_bytes(), str(file), fix)
    except OSError as error:
        raise UserError(f"{file}: cannot be read or made ({error.strerror}); {fix}") from error


def _long_enough(key: bytes, what: str, fix: str) -> bytes:
    if len(key) < SHORTEST_KEY:
        raise UserError(f"{what}: has {len(key)} bytes, and at least {SHORTEST_KEY} are needed; {fix}")
    return key
