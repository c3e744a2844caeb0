"""The key of the prompt delimiters: created once, private to its user, refused if it is too short."""

import os
from pathlib import Path

import pytest

from ragops.assembly import delimiter_key
from ragops.errors import UserError
from ragops.platform import credentials
from ragops.platform.workspace import Workspace

WORKSPACE = Workspace("main", "rag")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    return tmp_path


def test_a_local_workspace_creates_its_key_once(home: Path) -> None:
    key = delimiter_key(WORKSPACE)
    assert len(key) == 32 and delimiter_key(WORKSPACE) == key
    assert os.stat(home / "prompt-marks.key").st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir()] == ["prompt-marks.key"]


def test_each_process_has_a_random_key_without_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.chdir(tmp_path)
    assert len(delimiter_key(WORKSPACE)) == 32 and not list(tmp_path.iterdir())


def test_a_key_that_is_too_short_is_refused(home: Path) -> None:
    (home / "prompt-marks.key").write_bytes(b"short")
    with pytest.raises(UserError, match=r"prompt-marks\.key: .*5 bytes.*16"):
        delimiter_key(WORKSPACE)


def test_an_unreadable_key_file_is_refused(home: Path) -> None:
    (home / "prompt-marks.key").mkdir()
    with pytest.raises(UserError, match=r"prompt-marks\.key: .*\(Is a directory\)"):
        delimiter_key(WORKSPACE)


def test_a_workspace_uses_the_secret_or_a_random_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.setattr(credentials, "secret", lambda scope, key: f"{scope}/{key}")
    assert delimiter_key(WORKSPACE) == b"ragops-main/prompt-marks"
    monkeypatch.setattr(credentials, "secret", lambda scope, key: "short")
    with pytest.raises(UserError, match="secret ragops-main/prompt-marks: has 5 bytes"):
        delimiter_key(WORKSPACE)

    def missing(scope: str, key: str) -> str:
        raise UserError("it is not set")

    monkeypatch.setattr(credentials, "secret", missing)
    assert len(delimiter_key(WORKSPACE)) == 32
