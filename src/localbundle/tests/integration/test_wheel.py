"""The wheel: built offline from this folder alone, installed into an empty environment, imported there."""

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from localbundle.packages.uv import uv_command

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


def test_the_first_example_of_the_readme_runs_where_only_the_wheel_is(wheel: Path, tmp_path: Path) -> None:
    """With its dependencies at the versions that are here, which uv links from its cache; the home folder is empty."""
    uv = uv_command()
    here = {one.name: one.version for one in importlib.metadata.distributions()}
    (tmp_path / "here.txt").write_text("".join(f"{name}=={version}\n" for name, version in here.items()))
    bundle, home = tmp_path / "bundle", tmp_path / "home"
    for folder in (bundle, home):
        folder.mkdir()
    subprocess.run([uv, "venv", "--python", sys.executable, tmp_path / "venv"], check=True, capture_output=True)
    install = [uv, "pip", "install", "--python", tmp_path / "venv/bin/python", "-c", tmp_path / "here.txt", wheel]
    installed = subprocess.run(install, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    readme = (FOLDER / "README.md").read_text()
    (commands, *_) = re.findall(r"```sh\n(localbundle.*?)```", readme, re.DOTALL)
    for name, language in (("databricks.yml", "yaml"), ("hello.py", "python")):
        (bundle / name).write_text(re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)[0])
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    path = os.pathsep.join([str(tmp_path / "venv/bin"), os.environ["PATH"]])
    ours |= {"HOME": str(home), "XDG_CACHE_HOME": cache, "PATH": path, "COLUMNS": "200"}
    outputs = []
    for line in commands.splitlines():
        words = shlex.split(line, comments=True)
        done = subprocess.run(words, cwd=bundle, env=ours, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        outputs.append(done.stdout)
    assert outputs[0].endswith("no findings\n")
    assert "3 rows in a Delta table" in outputs[2]
    assert "✓ success" in outputs[3]


def _pip(python: Path) -> list[str | Path]:
    return [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
