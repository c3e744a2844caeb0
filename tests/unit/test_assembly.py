"""The key of the marks: made once, private to its user, and refused where it is too short."""

import os
from pathlib import Path

import pytest

from ragops import assembly
from ragops.assembly import delimiter_key
from ragops.errors import UserError
from ragops.platform.workspace import Workspace

PLACE = Workspace("main", "rag")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    return tmp_path


def test_a_laptop_makes_its_own_key_once(home: Path) -> None:
    key = delimiter_key(PLACE)
    assert len(key) == 32 and delimiter_key(PLACE) == key
    assert os.stat(home / "prompt-marks.key").st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir()] == ["prompt-marks.key"]


def test_where_there_is_no_workspace_each_process_has_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.chdir(tmp_path)
    assert len(delimiter_key(PLACE)) == 32 and not list(tmp_path.iterdir())


def test_a_key_that_is_too_short_is_one_line(home: Path) -> None:
    (home / "prompt-marks.key").write_bytes(b"short")
    with pytest.raises(UserError, match=r"prompt-marks\.key: has 5 bytes, and at least 16 are needed; remove it"):
        delimiter_key(PLACE)


def test_a_folder_in_its_place_is_one_line(home: Path) -> None:
    (home / "prompt-marks.key").mkdir()
    with pytest.raises(UserError, match=r"prompt-marks\.key: cannot be read or made \(Is a directory\)"):
        delimiter_key(PLACE)


def test_a_workspace_takes_the_secret_or_a_key_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.setattr(assembly, "secret", lambda scope, key: f"{scope}/{key}")
    assert delimiter_key(PLACE) == b"ragops-main/prompt-marks"
    monkeypatch.setattr(assembly, "secret", lambda scope, key: "short")
    with pytest.raises(UserError, match="secret ragops-main/prompt-marks: has 5 bytes"):
        delimiter_key(PLACE)

    def missing(scope: str, key: str) -> str:
        raise UserError("it is not set")

    monkeypatch.setattr(assembly, "secret", missing)
    assert len(delimiter_key(PLACE)) == 32
