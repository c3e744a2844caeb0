"""The library's version follows its content."""

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "README.md", "LICENSE", "environments/version.py", "src/ragops/text.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def version(tree: Path) -> str:
    spec = importlib.util.spec_from_file_location("version", tree / "environments" / "version.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.version())


def test_an_unchanged_library_keeps_its_version_wherever_it_is(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = version(tree)
    assert first.startswith("0.1.0+")
    moved = shutil.copytree(tree, tmp_path_factory.mktemp("elsewhere") / "tree")
    (moved / "src/ragops/__pycache__").mkdir()
    (moved / "src/ragops/__pycache__/text.pyc").write_bytes(b"compiled")
    (moved / "tests").mkdir()
    (moved / "tests/test_text.py").write_text("assert True\n")
    (moved / "src/ragops/text.py").touch()
    assert version(moved) == first


@pytest.mark.parametrize("name", ["src/ragops/text.py", "src/ragops/new.html", "pyproject.toml"])
def test_any_change_of_what_ships_is_a_new_version(tree: Path, name: str) -> None:
    before = version(tree)
    with (tree / name).open("a") as file:
        file.write("# more\n")
    assert version(tree) != before


def test_a_renamed_file_is_a_new_version(tree: Path) -> None:
    before = version(tree)
    (tree / "src/ragops/text.py").rename(tree / "src/ragops/texts.py")
    assert version(tree) != before
