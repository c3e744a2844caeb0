"""Opens the parts of a use case in a workspace: encoder, searcher, gateway to the language models, chain.

Notebooks, jobs, commands and the packaged model all use these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.answers.llms.policy import Policy
from ragops.answers.prompts.untrusted import SHORTEST_KEY
from ragops.corpus.embeddings.interface import CPU, Encoder, EncoderSource
from ragops.corpus.embeddings.recipes import Backend, encoder_source
from ragops.corpus.index.generations.published_files import index_root
from ragops.platform.credentials import shared_key
from ragops.platform.model_servers import Serving
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.chain.trace_record import TraceRecord
    from ragops.answers.llms.gateway import Gateway
    from ragops.answers.llms.ledger.sinks import Sink
    from ragops.answers.prompts.template import Template
    from ragops.answers.retrieval.rerankers.interface import Reranker
    from ragops.answers.retrieval.search import Searcher
    from ragops.answers.retrieval.settings import RetrievalSettings

PROMPT_TOKENS = 900
"""Tokens of a model's context that instructions, examples and delimiters take, in addition to the passages."""
_MIN_CONTEXT_TOKENS = 50
_KEY_SECRET = "prompt-marks"


@dataclass(frozen=True)
class Locations:
    """Where a use case's parts are: the schema, the folder of converted models, and the index.

    A packaged model brings its own `models` and possibly its own `index`.
    """

    workspace: Workspace
    models: Path
    index: Path

    @classmethod
    def of(cls, workspace: Workspace) -> Locations:
        """The locations that a schema uses by default."""
        return cls(workspace, models_folder(workspace), index_root(workspace))


def encoder_recipe(use_case: UseCase, models: Path, backend: Backend, threads: int = 1) -> EncoderSource:
    """How to load the use case's embedding model. A model for the CPU is converted into `models`, once.

    Args:
        use_case: Names the embedding model.
        models: Folder of converted models.
        backend: "openvino" for the CPU, "torch" for GPUs; irrelevant for an endpoint.
        threads: CPU threads; 0 for all cores.

    Raises:
        PolicyError: the model is an endpoint that may not see the documents; nothing was sent.
    """
    if use_case.embedding.is_endpoint:
        server = Serving()
        address = use_case.embedding.base_url or server.address
        Policy(use_case.corpus.classification).check_embedding(use_case.embedding.name, address, server.owns(address))
        # A function that returns a token, because an encoder may outlive a token.
        return encoder_source(
            use_case.embedding, backend, converted=models, base_url=address, token=server.token_for(address)
        )
    return encoder_source(use_case.embedding, backend, converted=models, threads=threads)


def query_encoder(use_case: UseCase, models: Path) -> Encoder:
    """The encoder for questions, always on the CPU: a GPU gains nothing for one text. Raises like `encoder_recipe`."""
    return encoder_recipe(use_case, models, "openvino", threads=0).load(CPU)


def open_reranker(use_case: UseCase, models: Path) -> Reranker | None:
    """The use case's cross-encoder on the CPU; None if it names none."""
    if use_case.retrieval.rerank is None:
        return None
    from ragops.answers.retrieval.rerankers.load import load_reranker

    return load_reranker(use_case.retrieval.rerank.model, "openvino", converted=models)


def open_searcher(
    use_case: UseCase,
    locations: Locations,
    settings: RetrievalSettings | None = None,
    encoder: Encoder | None = None,
) -> Searcher:
    """Opens search over the published index.

    Args:
        use_case: Names the embedding model, the cross-encoder and the access rules.
        locations: Where index and models are.
        settings: Used instead of the use case's.
        encoder: Used instead of opening another one.

    Raises:
        UserError: there is no index, or it was built with another model or under other access rules.
    """
    with ThreadPoolExecutor(1) as background:
        # Half a second of a core, mostly outside of Python's lock: it passes while the next imports keep another busy.
        loading = background.submit(lambda: encoder or query_encoder(use_case, locations.models))
        from ragops.corpus.index.generations.generation import Generation

        Generation.preload()
        from ragops.answers.retrieval.search import Searcher

        encoder = loading.result()
    return Searcher(
        locations.index,
        use_case.embedding,
        encoder,
        settings or use_case.retrieval,
        reranker=open_reranker(use_case, locations.models),
        known_groups=use_case.corpus.groups,
        rules=use_case.corpus.access,
    )


def open_chain(
    use_case: UseCase,
    locations: Locations,
    templates: Mapping[str, Template] | None = None,
    *,
    searcher: Searcher | None = None,
    gateway: Gateway | None = None,
    sink: Sink | None = None,
    record: TraceRecord | None = None,
) -> Chain:
    """Opens the use case's chain: question in, cited answer out.

    If the documents are confidential, traces of this process contain no texts from then on.

    Args:
        use_case: Names the prompts, the models and all settings.
        locations: Where index and models are.
        templates: Prompt templates by name; by default those that the use case loads.
        searcher: Used instead of opening another one.
        gateway: As `searcher`.
        sink: Where the gateway writes its ledger rows; by default the schema's volume. Unused with `gateway`.
        record: Takes the trace of an answer, instead of MLflow.

    Raises:
        UserError: as `open_searcher`; or a prompt or a model does not exist.

    Example:
        >>> chain = open_chain(load_usecase(Path("usecase.yml")), Locations.of(Workspace("main", "rag")))
        >>> print(chain.answer(Query("When are default parameter values evaluated?")).text)
    """
    from ragops.answers.chain.chain import Chain
    from ragops.answers.chain.trace import Trace
    from ragops.answers.llms.open import open_gateway
    from ragops.answers.prompts.template_files import find, load_templates

    if record is None:
        hide_texts_in_traces(use_case)
    if templates is None:
        templates = load_templates(use_case.prompts, use_case.folder)
    template = find(templates, use_case.prompts.answer, "answer")
    return Chain(
        searcher or open_searcher(use_case, locations, retrieval_within_context(use_case)),
        gateway or open_gateway(use_case.models, use_case.corpus.classification, locations.workspace, sink),
        template,
        find(templates, use_case.prompts.rewrite, "rewrite"),
        use_case.answers,
        use_case.prompts.values_for(template),
        delimiter_key(locations.workspace),
        Trace if record is None else partial(record.open, texts=use_case.corpus.classification != "confidential"),
    )


def hide_texts_in_traces(use_case: UseCase) -> None:
    """Keeps the texts of confidential documents out of traces, which every reader of the experiment can see.

    Steps, times, models and figures remain.
    """
    if use_case.corpus.classification == "confidential":
        import mlflow

        from ragops.answers.chain.trace import without_texts

        mlflow.tracing.configure(span_processors=[without_texts])


def retrieval_within_context(use_case: UseCase) -> RetrievalSettings:
    """The use case's retrieval settings, with passages limited to what fits the primary model's context."""
    primary = use_case.models.chain()[0]
    available = primary.context_tokens - min(primary.max_tokens, use_case.answers.max_tokens) - PROMPT_TOKENS
    tokens = max(_MIN_CONTEXT_TOKENS, min(use_case.retrieval.context_tokens, available))
    return use_case.retrieval.model_copy(update={"context_tokens": tokens})


def delimiter_key(workspace: Workspace) -> bytes:
    """The key from which prompt delimiters are derived; processes share it, so equal questions get equal prompts.

    Raises:
        UserError: as `shared_key`.
    """
    return shared_key(workspace.secret_scope, _KEY_SECRET, SHORTEST_KEY)
