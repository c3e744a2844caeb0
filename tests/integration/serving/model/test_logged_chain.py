"""A logged chain contains everything that answering needs, and answers where the originals are gone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.tracing.provider import is_tracing_enabled

from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.types import Query
from ragops.answers.llms.settings import Resilience
from ragops.answers.prompts.template_files import find, load_templates
from ragops.answers.retrieval.settings import Rerank, RerankModel
from ragops.assembly import Locations, open_chain
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.platform.mlflow_store import open_experiment
from ragops.quality.datasets.question_set import version_of
from ragops.quality.questions import Question
from ragops.releases.evaluate import evaluate
from ragops.releases.stored_results import StoredResults
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.loaded import LoadedChain
from ragops.serving.model.log_model import Logged, log_chain
from ragops.usecase import UseCase, load_usecase
from tests.support.cross_encoders import save_toy
from tests.support.notes_index import ROOT, WORKSPACE, publish_notes

ASKED = "What does the otter eat before noon?"
ASK = """
import json, sys
for absent in ("torch", "transformers", "sentence_transformers", "huggingface_hub"):
    sys.modules[absent] = None
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict({"input": [{"role": "user", "content": sys.argv[2]}]})["custom_outputs"]))
"""


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    """MLflow would write traces to the current folder."""
    before = is_tracing_enabled()
    mlflow.tracing.disable()
    yield
    (mlflow.tracing.enable if before else mlflow.tracing.disable)()


@pytest.fixture
def crossencoder(tmp_path: Path) -> Path:
    """A cross-encoder's folder as in the hub's cache, where files are links to other folders."""
    save_toy(tmp_path / "hub" / "blobs")
    folder = tmp_path / "hub" / "snapshots" / "model"
    folder.mkdir(parents=True)
    for file in (tmp_path / "hub" / "blobs").iterdir():
        (folder / file.name).symlink_to(file)
    return folder


@pytest.fixture
def use_case(crossencoder: Path) -> UseCase:
    use_case = load_usecase(ROOT / "usecase.yml")
    rerank = Rerank(model=RerankModel(name="toy-cross", source=str(crossencoder), max_tokens=64), top=10)
    retrieval = use_case.retrieval.model_copy(update={"rerank": rerank})
    return use_case.model_copy(update={"retrieval": retrieval, "models": use_case.models.with_primary("quotes")})


def sources(use_case: UseCase) -> list[dict[str, Any]]:
    """The passages that the use case's chain finds for the question here, best first."""
    chain = open_chain(use_case, Locations.of(WORKSPACE))
    found: list[dict[str, Any]] = as_outputs(chain.answer(Query(ASKED)))["sources"]
    return found


def logged(use_case: UseCase) -> Logged:
    templates = load_templates(use_case.prompts, ROOT)
    chosen = (find(templates, use_case.prompts.answer), find(templates, use_case.prompts.rewrite))
    configuration = ChainConfiguration(
        catalog=WORKSPACE.catalog,
        schema_name=WORKSPACE.schema,
        use_case=use_case,
        templates={one.name: one for one in chosen},
        pinned=PublishedIndex(index_root(WORKSPACE)).pointer().generation,
    )
    mlflow.tracing.enable()  # without tracing, MLflow 3.17 deadlocks when it logs a model
    with mlflow.start_run(experiment_id=open_experiment("quality")):
        return log_chain(configuration)


def asked_elsewhere(uri: str, folder: Path) -> dict[str, Any]:
    """The chain's answer in a process with another workspace, and without torch and a hub."""
    folder.mkdir()
    own = {"LOCALBUNDLE_HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    command = [sys.executable, "-c", ASK, uri, ASKED]
    done = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def test_a_cross_encoder_is_logged_with_the_chain(
    use_case: UseCase, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    publish_notes(tmp_path / "work")
    plain = use_case.model_copy(update={"retrieval": use_case.retrieval.model_copy(update={"rerank": None})})
    expected = sources(use_case)
    assert expected != sources(plain), "a cross-encoder that changes nothing would not be missed"

    chain = logged(use_case)
    assert client.get_run(chain.run_id).data.params["reranker"] == "toy-cross, top 10"
    for gone in ("hub", "cache", "Volumes"):
        shutil.rmtree(tmp_path / gone)
    answer = asked_elsewhere(chain.uri, tmp_path / "elsewhere")
    assert answer["sources"] == expected
    assert (answer["model"], answer["abstained"]) == ("quotes", None)


def test_an_answer_by_a_fallback_is_an_error_of_the_evaluated_model(
    use_case: UseCase, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    publish_notes(tmp_path / "work")
    plain = use_case.retrieval.model_copy(update={"rerank": None})
    models = use_case.models.with_primary("served").model_copy(update={"resilience": Resilience(attempts=1)})
    chain = logged(use_case.model_copy(update={"retrieval": plain, "models": models}))

    known = {"topic": "otter", "anchor": "four fish", "answer": "four fish"}
    asked = [Question(question_id="otter", question=ASKED, kind="k", **known)]
    stored = StoredResults(client, version_of(asked), PublishedIndex(index_root(WORKSPACE)).pointer().generation)
    results = evaluate(LoadedChain(chain.uri), asked)
    (row,) = results.rows
    assert row.fallback == "quotes" and row.error and "Connection refused" in row.error
    stored.store(chain.run_id, results)
    assert stored.figures(chain.run_id)["answers.errors"] == 1
