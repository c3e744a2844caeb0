"""The wheel: built offline from this folder alone, installed into an empty environment, imported there."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the folder, which is lifted out of its repository."""
    root = tmp_path_factory.mktemp("product")
    ignored = shutil.ignore_patterns("tests", "__pycache__")
    copy = shutil.copytree(FOLDER, root / "localbundle", ignore=ignored)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(root / "dist")]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True)
    (built,) = (root / "dist").glob("*.whl")
    return built


def test_it_has_license_types_templates_and_the_table_of_runtimes(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("py.typed", "runs/run.html.j2", "runs/notebook.html.j2", "lint/runtimes.json"):
        assert f"localbundle/{name}" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_it_is_installed_without_its_dependencies_and_imported(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    install = [uv, "pip", "install", "--offline", "--python", python] if uv else _pip(python)
    subprocess.run([*install, "--no-deps", wheel], check=True, capture_output=True, text=True)
    code = "import localbundle.errors, localbundle.volumes.strict; print(localbundle.__file__)"
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith(str(tmp_path / "venv"))
    assert (tmp_path / "venv/bin/localbundle").is_file()


def _pip(python: Path) -> list[str | Path]:
    return [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
