"""A packaged chain that cannot be opened where it is says why, in one line."""

import logging
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from ragops.answers.prompts.catalogue import load_templates
from ragops.errors import UserError
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.open_model import open_logged
from ragops.usecase import load_usecase
from tests.support.chains import ROOT


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with no workspace above it, in a process that was told of none, nor of a place for traces."""
    for name in ("LOCALBUNDLE_HOME", "DATABRICKS_RUNTIME_VERSION", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mlflow, "is_tracking_uri_set", lambda: False)
    monkeypatch.chdir(tmp_path)
    warned = logging.getLogger("mlflow.tracing.fluent").level
    yield tmp_path
    logging.getLogger("mlflow.tracing.fluent").setLevel(warned)


def configuration() -> ChainConfiguration:
    use_case = load_usecase(ROOT / "usecase.yml")
    templates = load_templates(use_case.prompts, ROOT)
    return ChainConfiguration(catalog="main", schema_name="rag", use_case=use_case, templates=dict(templates))


def test_a_model_whose_files_are_not_all_there_names_the_one(nowhere: Path) -> None:
    gone = nowhere / "artifacts" / "index"
    with pytest.raises(UserError, match=f"model: its index is missing .{gone}.; this copy is not whole: download"):
        open_logged(configuration(), {"index": gone})


@pytest.mark.parametrize(
    ("pointer", "said"),
    [(None, "model: its index is missing "), ("{", r"model: its index cannot be read \(.*pointer\.json")],
)
def test_of_an_index_inside_nobody_is_reported_to_refresh_it(nowhere: Path, pointer: str | None, said: str) -> None:
    inside = nowhere / "index"
    inside.mkdir()
    if pointer:
        (inside / "pointer.json").write_text(pointer)
    with pytest.raises(UserError, match=said) as raised:
        open_logged(configuration(), {"index": inside})
    assert str(raised.value).endswith("; this copy is not whole: download the model again")
    assert "\n" not in str(raised.value)


def test_a_model_that_follows_an_index_needs_a_workspace(nowhere: Path) -> None:
    with pytest.raises(UserError, match="model: it follows the index of main.rag, and there is no workspace") as raised:
        open_logged(configuration(), {})
    assert "pin=true" in str(raised.value) and "\n" not in str(raised.value)
