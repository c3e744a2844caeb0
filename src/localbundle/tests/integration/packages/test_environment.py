import importlib.metadata
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
from localbundle.packages.environment import Environment, EnvironmentBuilder
from localbundle.packages.lines import LineReader, with_path
from localbundle_support.wheels import write_wheel

pytestmark = pytest.mark.usefixtures("cache")
RICH = importlib.metadata.version("rich")


class Maker:
    """Builds environments from a folder of wheels, which is the only index."""

    def __init__(self, root: Path) -> None:
        self.root, self.index, self.said = root, root / "index", list[str]()

    def builder(self, *lines: str) -> EnvironmentBuilder:
        reader = LineReader(Bundle(self.root, "b", "dev", {}, {}), "task t of job x")
        written = ["--no-index", f"--find-links {self.index}", *lines]
        read = [found for line in written for found in reader.read(line)]
        known = [with_path(line, line.path, "tiny") if line.is_wheel and line.path else line for line in read]
        return EnvironmentBuilder(known, "environment default", self.root)

    def build(self, *lines: str) -> Environment:
        return self.builder(*lines).build(self.said.append)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    (tmp_path / "index").mkdir()
    return Maker(tmp_path)


def output(environment: Environment, code: str) -> str:
    variables = {**os.environ, **environment.variables(os.environ["PATH"])}
    done = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True, env=variables)
    return done.stdout.strip()


def test_an_environment_has_its_packages_above_those_of_this_python(maker: Maker) -> None:
    write_wheel(maker.index, "tiny", "1.0", requires=["small>=2", "packaging"])
    write_wheel(maker.index, "small", "2.5")
    environment = maker.build("tiny")
    assert maker.said == ["Installing 2 packages for environment default (first time):\n  small 2.5, tiny 1.0"]
    code = "import tiny, small, packaging, localbundle; print(tiny.version, small.version, packaging.__file__)"
    *versions, folder = output(environment, code).split()
    assert versions == ["1.0", "2.5"]
    assert folder.startswith(str(Path(sys.prefix)))


def test_its_version_of_a_package_wins_in_it_and_this_python_keeps_its_own(maker: Maker) -> None:
    write_wheel(maker.index, "rich", "99.0")
    environment = maker.build("rich==99.0")
    code = "import rich, importlib.metadata; print(rich.version, importlib.metadata.version('rich'))"
    assert output(environment, code) == "99.0 99.0"
    assert importlib.metadata.version("rich") == RICH


def test_its_programs_are_on_path(maker: Maker) -> None:
    files = {"tiny/__init__.py": "def main():\n    print('tiny ran')\n"}
    write_wheel(maker.index, "tiny", "1.0", files=files, scripts={"tiny-tool": "tiny:main"})
    code = "import subprocess; print(subprocess.check_output('tiny-tool', text=True))"
    assert output(maker.build("tiny"), code) == "tiny ran"


def test_spark_is_that_of_this_python(maker: Maker) -> None:
    """Also if a package requires another one."""
    write_wheel(maker.index, "pyspark", "1.0")
    write_wheel(maker.index, "tiny", "1.0", requires=["pyspark<2", "databricks-connect"])
    maker.build("tiny", "pyspark==1.0")
    assert maker.said == ["Installing 1 package for environment default (first time):\n  tiny 1.0"]


def test_it_is_found_by_its_content(maker: Maker) -> None:
    wheel = write_wheel(maker.root / "dist", "tiny", "1.0")
    first = maker.build(str(wheel))
    write_wheel(maker.root / "dist", "tiny", "1.0")  # with another time in the file
    assert maker.builder(str(wheel)).find() == first
    write_wheel(maker.root / "dist", "tiny", "1.0", files={"tiny/__init__.py": "version = 'changed'\n"})
    assert maker.builder(str(wheel)).find() is None
    assert output(maker.build(str(wheel)), "import tiny; print(tiny.version)") == "changed"
    assert maker.builder("tiny").find() is None
    assert len(maker.said) == 2


def test_a_project_is_installed_from_its_source(maker: Maker) -> None:
    write_wheel(maker.index, "tiny", "1.0")
    project = write_project(maker.root / "project")
    environment = maker.build(f"-e {project}")
    (project / "own/__init__.py").write_text("version = 2\n")
    assert output(environment, "import own; print(own.version)") == "2"


def write_project(folder: Path) -> Path:
    """A project that is built without any other package."""
    (folder / "own").mkdir(parents=True)
    (folder / "own/__init__.py").write_text("version = 1\n")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


PROJECT = """
[project]
name = "own"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import os, zipfile
def build_wheel(folder, *ignored):
    return made(folder, "own/__init__.py", open("own/__init__.py").read())
def build_editable(folder, *ignored):
    return made(folder, "own.pth", os.getcwd())
def made(folder, name, text):
    texts = {
        name: text,
        "own-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: own\\nVersion: 1\\n",
        "own-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "own-1.dist-info/RECORD": f"{name},,\\nown-1.dist-info/METADATA,,\\nown-1.dist-info/WHEEL,,\\n",
    }
    with zipfile.ZipFile(os.path.join(folder, "own-1-py3-none-any.whl"), "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return "own-1-py3-none-any.whl"
"""


def test_a_wheel_replaces_the_installed_one_of_the_same_version(maker: Maker) -> None:
    """Here: hypothesis, whose version is taken for a wheel of our own."""
    version = importlib.metadata.version("hypothesis")
    files = {"hypothesis/__init__.py": "ours = True\n"}
    wheel = write_wheel(maker.root / "dist", "hypothesis", version, files=files)
    reader = LineReader(Bundle(maker.root, "b", "dev", {}, {}), "task t of job x")
    line = with_path(next(reader.read(str(wheel))), wheel, "hypothesis")
    environment = EnvironmentBuilder([line], "environment default", maker.root).build(maker.said.append)
    assert output(environment, "import hypothesis; print(hypothesis.ours)") == "True"


def test_a_folder_is_installed_as_it_is_now(maker: Maker) -> None:
    project = write_project(maker.root / "project")
    assert output(maker.build(str(project)), "import own; print(own.version)") == "1"
    (project / "own/__init__.py").write_text("version = 2\n")
    assert output(maker.build(str(project)), "import own; print(own.version)") == "2"


@pytest.mark.parametrize("package", ["pandas", "traitlets"])
def test_a_package_that_breaks_kernels_is_found_before_the_run(maker: Maker, package: str) -> None:
    write_wheel(maker.index, package, "99.0")
    message = r"environment default breaks Spark's client or Jupyter's kernel \(.*Error: .*\); correct its dependencies"
    with pytest.raises(BundleError, match=message) as raised:
        maker.build(f"{package}==99.0")
    assert "Traceback" in str(raised.value.__cause__)
    assert maker.builder(f"{package}==99.0").find() is None


@pytest.mark.parametrize("broken", ["no mark of completion", "no interpreter", "an empty folder"])
def test_a_folder_that_is_not_complete_is_built_again(maker: Maker, cache: Path, broken: str) -> None:
    write_wheel(maker.index, "tiny", "1.0")
    environment = maker.build("tiny")
    folder = environment.folder
    if broken == "no mark of completion":
        (folder / "complete.json").unlink()
        (folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/tiny/__init__.py").unlink()
    elif broken == "no interpreter":
        (folder / "bin/python").unlink()
    else:
        folder.rename(cache / "away")
        folder.mkdir()
    assert maker.builder("tiny").find() is None
    assert maker.build("tiny") == environment
    assert output(environment, "import tiny; print(tiny.version)") == "1.0"


def test_of_two_runs_at_once_one_builds_it(maker: Maker) -> None:
    write_wheel(maker.index, "tiny", "1.0")
    found: list[Environment] = []
    threads = [threading.Thread(target=lambda: found.append(maker.build("tiny"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert len([line for line in maker.said if line.startswith("Installing")]) == 1
    assert output(found[0], "import tiny; print(tiny.version)") == "1.0"


def test_a_requirement_that_cannot_be_met_is_one_line(maker: Maker) -> None:
    message = (
        r"environment default cannot be installed: Because tiny was not found in the provided package locations "
        r"and you require tiny==9; correct its dependencies"
    )
    with pytest.raises(BundleError, match=f"^{message}$"):
        maker.build("tiny==9")
    assert maker.builder("tiny==9").find() is None
    assert maker.said == []


def test_requirements_that_contradict_each_other_are_one_line(maker: Maker) -> None:
    write_wheel(maker.index, "small", "2.0")
    write_wheel(maker.index, "tiny", "1.0", requires=["small>=3"])
    with pytest.raises(BundleError, match="environment default cannot be installed: Because .*; correct its dep"):
        maker.build("tiny", "small==2.0")


def test_a_hash_that_differs_is_refused(maker: Maker) -> None:
    write_wheel(maker.index, "tiny", "1.0")
    with pytest.raises(BundleError, match=r"environment default cannot be installed: .*[Hh]ash") as raised:
        maker.build(f"tiny==1.0 --hash=sha256:{'0' * 64}")
    assert "\n" not in str(raised.value)


def test_what_uv_said_is_the_cause_of_the_error(maker: Maker) -> None:
    with pytest.raises(BundleError) as raised:
        maker.build("tiny==9")
    assert "No solution found" in str(raised.value.__cause__)


def test_a_cache_that_cannot_be_written_is_one_line(maker: Maker, cache: Path) -> None:
    cache.write_text("not a folder")
    with pytest.raises(BundleError, match="environments"):
        maker.build("tiny")


def test_environments_that_are_not_used_for_a_month_are_removed(maker: Maker) -> None:
    write_wheel(maker.index, "tiny", "1.0")
    write_wheel(maker.index, "small", "1.0")
    old, kept = maker.build("tiny"), maker.build("small")
    os.utime(old.folder / "complete.json", (1e9, 1e9))
    maker.build("tiny", "small")
    assert not old.folder.exists()
    assert kept.folder.exists()
