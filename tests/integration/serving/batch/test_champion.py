"""The registered chain of a batch on MLflow's real store: chosen, followed, deleted, locked, gone."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import yaml
from mlflow import MlflowClient

from ragops.errors import UserError
from ragops.jobs.answer_batch import FinishParameters, RetrieveParameters
from ragops.platform.mlflow_store import open_experiment
from ragops.platform.workspace import LEDGER
from ragops.releases.registry import CHAMPION, ChainRegistry
from ragops.serving.batch.batch import Batch
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import Logged, log_chain
from ragops.usecase import UseCase, load_usecase
from tests.support.notes_index import ROOT, WORKSPACE, publish_notes

NAME = WORKSPACE.registered("chain")
ASKED = "What does the otter eat before noon?"
GIVEN = {"catalog": WORKSPACE.catalog, "schema": WORKSPACE.schema, "usecase": str(ROOT / "usecase.yml")}


@pytest.fixture(scope="module")
def use_case() -> UseCase:
    """One that differs from the bundle's in its limit of passages, which the prompt shows."""
    use_case = load_usecase(ROOT / "usecase.yml")
    retrieval = use_case.retrieval.model_copy(update={"k": 1, "neighbours": 0})
    return use_case.model_copy(update={"retrieval": retrieval, "models": use_case.models.with_primary("quotes")})


@pytest.fixture
def logged(client: MlflowClient, use_case: UseCase, tmp_path: Path) -> Iterator[Logged]:
    """A chain that is logged, with an index beside it."""
    publish_notes(tmp_path / "work")
    WORKSPACE.volume(LEDGER).mkdir(exist_ok=True)
    mlflow.tracing.enable()  # without tracing, MLflow 3.17 deadlocks when it logs a model
    with mlflow.start_run(experiment_id=open_experiment("quality")):
        made = log_chain(ChainConfiguration.of(WORKSPACE, use_case))
    mlflow.tracing.disable()
    yield made
    mlflow.tracing.enable()


def chosen(**given: str) -> Batch:
    return RetrieveParameters.read(GIVEN | {"llm": "quotes"} | given).batch


def later(batch: Batch) -> Batch:
    """As the next task has it, which gets the same parameters and the value of the first."""
    return FinishParameters.read(GIVEN | {"chosen": batch.chain.save(WORKSPACE)}).batch


def one_line(batch: Batch) -> str:
    with pytest.raises(UserError) as raised:
        batch.open_chain()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_batch_follows_the_champion(client: MlflowClient, logged: Logged, use_case: UseCase) -> None:
    registry = ChainRegistry(client, NAME)
    assert chosen().chain.version == "working copy"  # before there is one
    versions = [registry.register(logged), registry.register(logged)]
    assert chosen().chain.version == "working copy"
    registry.point(CHAMPION, versions[0])

    first = chosen(llm="")
    assert (first.chain.name, first.chain.version, first.model.name) == (NAME, "1", "quotes")
    assert first.prompt.content_hash == first.chain.configuration.templates[first.prompt.name].content_hash
    opened = first.open_chain()
    context, _ = opened.retrieve(ASKED, ())
    assert len(context.sources) == 1 and "four fish" in context.sources[0].text
    assert opened.searcher.generation == first.generation

    same = first.fingerprint
    registry.point(CHAMPION, versions[1])
    assert chosen(llm="").fingerprint != same  # a new champion answers again
    assert later(first).fingerprint == same == chosen(llm="", chain="1").fingerprint
    assert chosen(chain="working copy").fingerprint != chosen(llm="").fingerprint

    # The tasks after the first need the registry no more.
    client.delete_model_version(NAME, "1")
    assert later(first).fingerprint == same
    assert "version 1: its files cannot be read" in one_line(later(first))
    with pytest.raises(UserError, match="^parameter chain: model .* has no version 1; choose another, champion"):
        chosen(chain="1")


@pytest.fixture
def described(client: MlflowClient, use_case: UseCase, tmp_path: Path) -> Path:
    """The folder of a champion that has a description and no files."""
    folder = tmp_path / "described"
    folder.mkdir()
    config = ChainConfiguration.of(WORKSPACE, use_case).model_dump(mode="json")
    flavor = {"loader_module": "mlflow.pyfunc.model", "config": config}
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": {"python_function": flavor}, "model_uuid": "m"}))
    client.create_registered_model(NAME)
    client.create_model_version(NAME, folder.as_uri())
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    return folder


def refused() -> str:
    with pytest.raises(UserError) as raised:
        chosen()
    assert "\n" not in str(raised.value) and str(raised.value).startswith("parameter chain: ")
    return str(raised.value)


def test_a_registry_without_its_files_or_its_database_is_one_line(described: Path, tmp_path: Path) -> None:
    first = chosen(llm="")
    shutil.rmtree(described)
    assert "version 1: its files cannot be read" in refused() and "working copy" in refused()
    assert "its files cannot be read" in one_line(later(first))

    (tmp_path / "mlflow" / "mlflow.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    assert "mlflow.db is damaged" in refused()
    assert later(first).chain == first.chain
    assert chosen(chain="working copy").chain.version == "working copy"


def test_a_locked_registry_is_one_line(described: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mlflow" / "mlflow.db", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused()
        other.execute("ROLLBACK")
