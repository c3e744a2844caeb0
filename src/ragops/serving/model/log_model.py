"""Logging: the chain with all that it needs becomes a version-to-be in MLflow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ragops
from ragops.answers.llms.providers.openvino_gguf import gguf_file
from ragops.answers.llms.settings import OpenVinoGguf
from ragops.answers.prompts.template_files import find
from ragops.answers.retrieval.rerankers import load
from ragops.assembly import Locations
from ragops.corpus.embeddings.conversion import convert, on_this_machine
from ragops.corpus.embeddings.model import locate
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.errors import UserError, needing
from ragops.serving.model.configuration import CONVERTED, ENCODER, INDEX, RERANKER, ChainConfiguration, gguf_artifact
from ragops.serving.model.requirements import ANSWERS, LOCAL_LLM, pinned_requirements
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

CODE = Path(__file__).with_name("model_code.py")
EXAMPLE: dict[str, Any] = {"input": [{"role": "user", "content": "What can I ask about?"}]}
URI_TAG, DIGEST_TAG = "ragops.chain", "ragops.digest"
INDEX_PARAMETER, LIVE = "index", "the live one"
"""The run's parameter that says which index answers: a generation, or whichever is live."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A logged chain: where it is, the run that logged it, what tells it from others, and if its index is inside."""

    uri: str
    run_id: str
    digest: str
    pinned: bool = False


@needing("CAN EDIT", "experiment of the release")
def log_chain(configuration: ChainConfiguration, prompts: Sequence[str] = ()) -> Logged:
    """Logs the chain into the active run; `prompts` are the registry's URIs of those that it uses.

    Raises:
        UserError: there is no index, a model's files are missing, or as `pinned_requirements`.
    """
    import mlflow

    mlflow.log_params({"digest": configuration.digest[:16], **_parameters(configuration)})
    with _artifacts(configuration) as artifacts:
        info: ModelInfo = mlflow.pyfunc.log_model(
            name="chain",
            python_model=str(CODE),
            model_config=configuration.model_dump(mode="json"),
            artifacts={name: str(path) for name, path in artifacts.items()},
            code_paths=[str(Path(ragops.__file__).parent)],
            pip_requirements=pinned_requirements(_extras(configuration)),
            resources=_resources(configuration),
            input_example=EXAMPLE,
            prompts=list(prompts) or None,
            metadata={"digest": configuration.digest},
        )
    mlflow.set_tags({URI_TAG: info.model_uri, DIGEST_TAG: configuration.digest})
    return Logged(info.model_uri, str(info.run_id), configuration.digest, configuration.pinned is not None)


@contextmanager
def _artifacts(configuration: ChainConfiguration) -> Iterator[dict[str, Path]]:
    """The files that travel: what a served model can neither convert, nor find in a package, nor mount."""
    use_case, place = configuration.use_case, Locations.of(configuration.workspace)
    found: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="ragops-chain-") as temporary:
        into = Path(temporary)
        for name, files, conversion in _converted(use_case, place.models):
            # Copied, because MLflow takes no folder of links, such as the hub's cache.
            found[name] = shutil.copytree(files, into / name)
            found[CONVERTED] = into / CONVERTED
            shutil.copytree(conversion, found[CONVERTED] / conversion.name)
        for model in use_case.models.chain():
            if isinstance(model, OpenVinoGguf):
                found[gguf_artifact(model)] = gguf_file(model.name, model.source, configuration.workspace.path)
        if configuration.pinned:
            found[INDEX] = _pinned(place.index, configuration.pinned, into / INDEX)
        yield found


def _converted(use_case: UseCase, models: Path) -> Iterator[tuple[str, Path, Path]]:
    """The models that are converted for the CPU, now if not before: artifact's name, files, folder of the conversion.

    Files travel too: their fingerprint is the name by which the conversion is found.
    """
    if not use_case.embedding.is_endpoint:
        yield ENCODER, locate(use_case.embedding), on_this_machine(convert(use_case.embedding, models))
    if rerank := use_case.retrieval.rerank:
        yield RERANKER, load.locate(rerank.model), on_this_machine(load.convert(rerank.model, models))


def _pinned(index: Path, generation: str, into: Path) -> Path:
    """An index with one generation, which its pointer names."""
    published, pinned = PublishedIndex(index), PublishedIndex(into)
    if generation not in published.names():
        raise UserError(f"index generation {generation}: there is none; ragops index list names those there are")
    published.copy(generation, pinned.folder(generation))
    pinned.write_pointer(published.pointer().model_copy(update={"generation": generation, "previous": None}))
    return into


def _extras(configuration: ChainConfiguration) -> tuple[str, ...]:
    """The extras that its models take."""
    in_process = any(isinstance(one, OpenVinoGguf) for one in configuration.use_case.models.chain())
    return (ANSWERS, LOCAL_LLM) if in_process else (ANSWERS,)


def _parameters(configuration: ChainConfiguration) -> Mapping[str, object]:
    """What people compare runs by."""
    use_case = configuration.use_case
    prompt, rerank = find(configuration.templates, use_case.prompts.answer), use_case.retrieval.rerank
    return {
        "llm": use_case.models.answer.primary,
        "prompt": f"{prompt.name}@{prompt.content_hash[:8]}",
        "technique": prompt.technique,
        "embedding": use_case.embedding.name,
        INDEX_PARAMETER: configuration.pinned or LIVE,
        "min_evidence": use_case.answers.min_evidence,
        "reranker": f"{rerank.model.name}, top {rerank.top}" if rerank else "none",
        **{f"retrieval.{name}": value for name, value in use_case.retrieval.model_dump(exclude={"rerank"}).items()},
    }


def _resources(configuration: ChainConfiguration) -> list[Any]:
    """What the served model may reach with the endpoint's own identity: all else is closed to it."""
    from mlflow.models.resources import DatabricksServingEndpoint

    return [DatabricksServingEndpoint(name) for name in configuration.endpoints]
