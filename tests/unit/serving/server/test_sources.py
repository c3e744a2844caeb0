"""The registered champion, and models that are not chains of this version of ragops."""

from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ragops.answers.chain.trace_record import TraceRecord
from ragops.errors import NotPermitted, UserError
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.server.sources import Champion, NoChampion, logged_parts
from ragops.serving.server.types import ChainVersion
from tests.support.served import use_case

FLAVOR = "python_function"


def write_model(folder: Path, **flavor: Any) -> None:
    """A model's description as MLflow writes it."""
    described = {"flavors": {FLAVOR: {"loader_module": "mlflow.pyfunc.model", **flavor}}, "model_uuid": "m"}
    (folder / "MLmodel").write_text(yaml.safe_dump(described))


def configuration() -> dict[str, Any]:
    made = ChainConfiguration(catalog="main", schema_name="rag", use_case=use_case(), templates={})
    return made.model_dump(mode="json")


def test_configuration_and_files_of_a_logged_chain(tmp_path: Path) -> None:
    artifacts = {"encoder": {"path": "artifacts/encoder", "uri": "/elsewhere"}}
    write_model(tmp_path, config=configuration(), artifacts=artifacts)
    found, files = logged_parts(tmp_path, "main.rag.chain, version 1")
    assert found.workspace.schema == "rag" and files == {"encoder": tmp_path / "artifacts" / "encoder"}


def test_a_chain_of_a_version_before_the_server_is_read(tmp_path: Path) -> None:
    old = configuration()
    del old["use_case"]["serving"]
    write_model(tmp_path, config=old)
    assert logged_parts(tmp_path, "m")[0].use_case.serving.backend == "chain"


@pytest.mark.parametrize(
    ("flavor", "words"),
    [
        ({"config": {"catalog": "main"}}, "another version of ragops"),
        ({"config": configuration() | {"later": 1}}, "another version of ragops"),
        ({}, "is not a chain"),
    ],
)
def test_another_model_is_one_line(flavor: dict[str, Any], words: str, tmp_path: Path) -> None:
    write_model(tmp_path, **flavor)
    with pytest.raises(UserError, match=words) as refused:
        logged_parts(tmp_path, "main.rag.chain, version 1")
    assert "\n" not in str(refused.value) and "run the release again" in str(refused.value)


def test_a_model_that_was_not_downloaded_whole_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a chain"):
        logged_parts(tmp_path, "main.rag.chain, version 1")


class Registry:
    """What MLflow's client answers."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def champion(answer: Any) -> Champion:
    return Champion(cast(MlflowClient, Registry(answer)), "main.rag.chain", TraceRecord().open)


def test_the_alias_names_the_version() -> None:
    class Found:
        version = 3

    assert champion(Found()).wanted() == ChainVersion("main.rag.chain", "3")


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_without_a_champion_the_line_says_what_to_run(code: str) -> None:
    with pytest.raises(NoChampion, match="no champion yet.*localbundle run release.*--working-copy"):
        champion(_failure(code)).wanted()


def test_without_the_right_to_read_it_the_line_names_the_right() -> None:
    with pytest.raises(NotPermitted, match="EXECUTE"):
        champion(_failure("PERMISSION_DENIED")).wanted()


def _failure(code: str) -> MlflowException:
    error = MlflowException("no")
    error.error_code = code
    return error
