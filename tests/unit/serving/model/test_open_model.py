"""A packaged chain that cannot be opened explains why in one line; and the line about its container."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from ragops.answers.prompts.template_files import load_templates
from ragops.errors import UserError
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.open_model import describe_container, open_logged
from ragops.usecase import load_usecase
from tests.support.chains import ROOT


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder outside any workspace, in a process without settings for a workspace or for traces."""
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


def test_the_missing_file_of_an_incomplete_model_is_named(nowhere: Path) -> None:
    gone = nowhere / "artifacts" / "index"
    with pytest.raises(UserError, match=f"model: its index is missing .{gone}.; .*download"):
        open_logged(configuration(), {"index": gone})


@pytest.mark.parametrize(
    ("pointer", "message"),
    [(None, "model: its index is missing "), ("{", r"model: its index cannot be read \(.*pointer\.json")],
)
def test_an_unreadable_index_inside_the_model_blames_the_copy(nowhere: Path, pointer: str | None, message: str) -> None:
    inside = nowhere / "index"
    inside.mkdir()
    if pointer:
        (inside / "pointer.json").write_text(pointer)
    with pytest.raises(UserError, match=message) as raised:
        open_logged(configuration(), {"index": inside})
    assert str(raised.value).endswith("download the model again")
    assert "\n" not in str(raised.value)


def test_a_model_that_follows_an_index_needs_a_workspace(nowhere: Path) -> None:
    with pytest.raises(UserError, match="model: .* index of main.rag, and there is no workspace") as raised:
        open_logged(configuration(), {})
    assert "pin=true" in str(raised.value) and "\n" not in str(raised.value)


def test_the_container_is_described_with_cores_memory_and_disk() -> None:
    assert re.fullmatch(
        rf"pid {os.getpid()} on host \S*: \d+ cores, [\d.]+ GiB of memory, [\d.]+ GiB free in /\S+, Python 3\.\S+",
        describe_container(),
    )
