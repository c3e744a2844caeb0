import tempfile
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.platform.compute import has_spark, on_databricks
from ragops.platform.workspace import Workspace, bundle_root, cache_folder, is_mounted, models_folder

WORKSPACE = Workspace("main", "rag")


def test_table_names_have_three_levels_and_quotes() -> None:
    assert WORKSPACE.table("chunks") == "`main`.`rag`.`chunks`"


def test_on_a_laptop_volumes_are_in_the_local_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    assert WORKSPACE.volume("landing") == tmp_path / "Volumes/main/rag/landing"
    assert WORKSPACE.path("/Volumes/main/rag/landing/a") == tmp_path / "Volumes/main/rag/landing/a"
    assert WORKSPACE.path("/data/a") == Path("/data/a")


def test_on_databricks_volumes_are_mounted_at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert WORKSPACE.volume("landing") == Path("/Volumes/main/rag/landing")
    assert models_folder(WORKSPACE) == Path("/Volumes/main/rag/indexes/models")


@pytest.mark.parametrize("name", ["IS_IN_DB_MODEL_SERVING_ENV", "IS_IN_DATABRICKS_MODEL_SERVING_ENV"])
@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_the_container_of_a_serving_endpoint_is_databricks_without_mounts_and_spark(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(name, value)
    assert WORKSPACE.volume("landing") == Path("/Volumes/main/rag/landing")
    assert on_databricks() and not has_spark() and not is_mounted(WORKSPACE.volume("landing"))
    assert is_mounted(Path("/tmp/index"))
    assert cache_folder() == Path(tempfile.gettempdir()) / "ragops"  # it may have no home directory
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert not has_spark() and not is_mounted(WORKSPACE.volume("landing"))
    monkeypatch.setenv(name, "false")
    assert has_spark() and is_mounted(WORKSPACE.volume("landing"))


def test_the_bundle_is_searched_for_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="databricks.yml"):
        bundle_root()
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert bundle_root() == tmp_path


def test_registered_names_have_three_levels_and_no_quotes() -> None:
    assert WORKSPACE.registered("cite") == "main.rag.cite"
