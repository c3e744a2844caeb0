"""MLflow's store in the local workspace: on SQLite, inside the workspace's folder, and refused when it has moved."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ragops.errors import UserError
from ragops.platform.mlflow_store import mlflow_artifacts, open_experiment, use_mlflow


def test_artifacts_are_next_to_the_database(client: MlflowClient, tmp_path: Path) -> None:
    experiment = client.create_experiment("answers", artifact_location=mlflow_artifacts())
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "text", "note.txt")
    assert [path.read_text() for path in (tmp_path / "mlflow" / "artifacts").rglob("note.txt")] == ["text"]


def test_a_moved_workspace_is_reported_before_anything_is_written(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = open_experiment("quality")
    assert open_experiment("quality") == own
    shutil.copytree(tmp_path / "mlflow", tmp_path / "copy" / "mlflow")
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path / "copy"))
    with pytest.raises(UserError, match="experiment quality: .*move it back"):
        open_experiment("quality")


def test_the_default_experiment_is_in_the_workspace(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path / "fresh"))
    use_mlflow()
    default = MlflowClient().get_experiment_by_name("Default")
    assert default is not None and default.artifact_location.startswith((tmp_path / "fresh" / "mlflow").as_uri())


def test_an_invalid_database_is_one_line(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "broken"
    (home / "mlflow").mkdir(parents=True)
    (home / "mlflow" / "mlflow.db").write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(home))
    with pytest.raises(UserError, match=r"mlflow\.db is damaged: restore it .*, or remove it") as raised:
        open_experiment("quality")
    assert "\n" not in str(raised.value)
