"""Models in MLflow's format that are chains, and that are not chains of this version of ragops."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ragops.errors import UserError
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.logged import logged_parts
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
