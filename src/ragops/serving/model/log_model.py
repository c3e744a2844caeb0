"""Logs the chain with everything it needs as a model in MLflow."""

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
from ragops.errors import UserError
from ragops.platform.mlflow_store import answering
from ragops.serving.model.configuration import CONVERTED, ENCODER, INDEX, RERANKER, ChainConfiguration, gguf_artifact
from ragops.serving.model.requirements import ANSWERS, LOCAL_LLM, pinned_requirements
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

CODE = Path(__file__).with_name("model_code.py")
EXAMPLE: dict[str, Any] = {"input": [{"role": "user", "content": "What can I ask about?"}]}
URI_TAG, DIGEST_TAG = "ragops.chain", "ragops.digest"
INDEX_PARAMETER, LIVE = "index", "the live one"
"""The run's parameter that names the index: a generation, or the live one."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A logged chain.

    Attributes:
        uri: models:/ID.
        run_id: The run that logged it.
        digest: The digest of its configuration.
        pinned: Whether it contains its index.
    """

    uri: str
    run_id: str
    digest: str
    pinned: bool = False


@answering("CAN EDIT", "experiment of the release")
def log_chain(configuration: ChainConfiguration, prompts: Sequence[str] = ()) -> Logged:
    """Logs the chain into the active run. `prompts` are the registry's URIs of the prompts that it uses.

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
    """Files to log: those that a served model cannot convert, find in a package or mount."""
    use_case, locations = configuration.use_case, Locations.of(configuration.workspace)
    found: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="ragops-chain-") as temporary:
        into = Path(temporary)
        for name, files, conversion in _converted(use_case, locations.models):
            # Copied, because MLflow accepts no folder of links, such as the hub's cache.
            found[name] = shutil.copytree(files, into / name)
            found[CONVERTED] = into / CONVERTED
            shutil.copytree(conversion, found[CONVERTED] / conversion.name)
        for model in use_case.models.chain():
            if isinstance(model, OpenVinoGguf):
                found[gguf_artifact(model)] = gguf_file(model.name, model.source, configuration.workspace.path)
        if configuration.pinned:
            found[INDEX] = _pinned(locations.index, configuration.pinned, into / INDEX)
        yield found


def _converted(use_case: UseCase, models: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name of the artifact, files and converted folder of each encoder; converts it for the CPU if necessary.

    The original files are logged too: their fingerprint is the name of the conversion.
    """
    if not use_case.embedding.is_endpoint:
        yield ENCODER, locate(use_case.embedding), on_this_machine(convert(use_case.embedding, models))
    if rerank := use_case.retrieval.rerank:
        yield RERANKER, load.locate(rerank.model), on_this_machine(load.convert(rerank.model, models))


def _pinned(index: Path, generation: str, into: Path) -> Path:
    """An index with one generation, which is its live one."""
    published, pinned = PublishedIndex(index), PublishedIndex(into)
    if generation not in published.names():
        raise UserError(f"index generation {generation}: does not exist; list generations with: ragops index list")
    published.copy(generation, pinned.folder(generation))
    pinned.write_pointer(published.pointer().model_copy(update={"generation": generation, "previous": None}))
    return into


def _extras(configuration: ChainConfiguration) -> tuple[str, ...]:
    """The extras of ragops that its models require."""
    in_process = any(isinstance(one, OpenVinoGguf) for one in configuration.use_case.models.chain())
    return (ANSWERS, LOCAL_LLM) if in_process else (ANSWERS,)


def _parameters(configuration: ChainConfiguration) -> Mapping[str, object]:
    """The run's parameters, by which runs are compared."""
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
    """What the served model may access with the endpoint's own identity; everything else is denied."""
    from mlflow.models.resources import DatabricksServingEndpoint

    return [DatabricksServingEndpoint(name) for name in configuration.endpoints]
