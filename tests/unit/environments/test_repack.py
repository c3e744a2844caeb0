"""Wheels repacked without some of their requirements."""

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.wheels import repack

Run = Callable[..., subprocess.CompletedProcess[str]]
METADATA = "Name: tiny\nRequires-Dist: opencv_python >=4\nRequires-Dist: opencv-python-headless\nRequires-Dist: numpy\n"


def tools(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
    """Replaces pip and wheel: a wheel of the requested version."""
    match command[2:4]:
        case ["pip", "download"]:
            (Path(command[-2]) / f"tiny-{command[-1].split('==')[1]}-py3-none-any.whl").touch()
        case ["wheel", "unpack"]:
            metadata = Path(command[-2]) / "tiny-2" / "tiny-2.dist-info" / "METADATA"
            metadata.parent.mkdir(parents=True)
            metadata.write_text(METADATA)
        case _:
            assert not list(Path(command[-2]).glob("tiny-*.whl"))
            (Path(command[-2]) / "tiny-2-py3-none-any.whl").touch()
    return subprocess.CompletedProcess(command, 0, "", "")


def failing(word: str) -> Run:
    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if word in command:
            return subprocess.CompletedProcess(command, 1, "", "WARNING: Retrying\nERROR: No matching distribution\n")
        return tools(command, **options)

    return run


def folders(root: Path) -> tuple[Path, Path]:
    work, dist = root / "work", root / "dist"
    for folder in (work, dist):
        folder.mkdir()
    for name in ("tiny-1-py3-none-any.whl", "tiny_other-1-py3-none-any.whl"):
        (dist / name).touch()
    return work, dist


def names(dist: Path) -> list[str]:
    return sorted(path.name for path in dist.iterdir())


def test_only_unwanted_requirements_are_removed() -> None:
    assert repack.without(METADATA, ["opencv-python"]).splitlines() == [
        "Name: tiny",
        "Requires-Dist: opencv-python-headless",
        "Requires-Dist: numpy",
    ]


def test_the_wheel_of_an_earlier_version_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", tools)
    work, dist = folders(tmp_path)
    repack.repack("tiny==2", ["numpy"], work, dist)
    assert names(dist) == ["tiny-2-py3-none-any.whl", "tiny_other-1-py3-none-any.whl"]


def test_an_existing_wheel_is_recognized(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "opencv_tiny-2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("opencv_tiny-2.dist-info/METADATA", METADATA)
    assert repack.is_built("opencv-tiny==2", ["torch"], tmp_path)
    assert not repack.is_built("opencv-tiny==2", ["numpy"], tmp_path)
    assert not repack.is_built("opencv-tiny==3", ["torch"], tmp_path)


def test_a_wheel_that_is_no_longer_repacked_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, dist = folders(tmp_path)
    monkeypatch.setattr(repack, "_ROOT", tmp_path)
    monkeypatch.setattr(repack, "HERE", tmp_path)
    monkeypatch.setattr(repack, "is_built", lambda *_: True)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "requirements.toml").write_text("[repacked]\ntiny-other = ['numpy']\n")
    (tmp_path / "pyproject.toml").write_text("[project.optional-dependencies]\nocr = ['tiny-other==1']\n")
    repack.main()
    assert names(dist) == ["tiny_other-1-py3-none-any.whl"]


def test_a_failed_download_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", failing("download"))
    work, dist = folders(tmp_path)
    with pytest.raises(SystemExit) as error:
        repack.repack("tiny==2", ["numpy"], work, dist)
    assert error.value.code == "repack: cannot download tiny==2 (No matching distribution); check the package index"
    assert "tiny-1-py3-none-any.whl" in names(dist)


def test_a_name_without_a_pin_is_reported_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repack, "_ROOT", tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "requirements.toml").write_text("[repacked]\ntiny = ['numpy']\n")
    (tmp_path / "pyproject.toml").write_text("[project.optional-dependencies]\nocr = ['tiny>=1']\n")
    with pytest.raises(SystemExit) as error:
        repack.main()
    assert error.value.code == ("repack: pyproject.toml does not pin tiny; write tiny==VERSION in one of its extras")
