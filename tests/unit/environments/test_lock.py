"""What jobs install on top of their runtimes, as the files in environments/ have it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from environments.lock import ROOT, File, files, read, read_runtime, runtimes
from localbundle.errors import BundleError

# A runtime is tested, and its own libraries are compiled, with these.
KEPT = {
    "grpcio",
    "grpcio-status",
    "numpy",
    "pandas",
    "protobuf",
    "pyarrow",
    "pydantic",
    "pydantic-core",
    "pyspark",
    "torch",
}
TASKS: dict[str, Any] = tomllib.loads((ROOT / "environments" / "requirements.toml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = list(files())
LISTS = sorted(path.stem for path in (ROOT / "environments" / "runtimes").glob("*.txt"))


def named(file: File) -> str:
    return f"{file.runtime.name}/{file.name}"


def replaced(file: File) -> dict[str, tuple[str, str]]:
    shipped = file.runtime.packages
    found = {name: (shipped[name], version) for name, version in read(file).items() if name in shipped}
    return {name: (old, new) for name, (old, new) in found.items() if Version(old) != Version(new)}


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_is_pins_that_plain_pip_takes(file: File) -> None:
    lines = [line for line in file.path().read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.!]+", line)] == []


@pytest.mark.parametrize("file", FILES, ids=named)
def test_what_a_runtime_ships_stays(file: File) -> None:
    allowed = TASKS["replaced"].get(file.name, {})
    assert replaced(file).keys() <= allowed.keys()
    assert not read(file).keys() & file.runtime.packages.keys() - allowed.keys()


@pytest.mark.parametrize("file", [file for file in FILES if file.name != "vllm"], ids=named)
def test_no_job_of_the_bundle_replaces_what_a_runtime_is_compiled_with(file: File) -> None:
    assert not replaced(file).keys() & KEPT
    assert not {name for name in read(file) if name == "torch" or name.startswith("nvidia-")}


def test_every_replacement_has_its_reason() -> None:
    assert all(len(reason) > 10 for table in TASKS["replaced"].values() for reason in table.values())


@pytest.mark.parametrize("runtime", LISTS)
def test_bounds_admit_what_a_runtime_ships(runtime: str) -> None:
    """So that pip leaves it alone when it installs the wheel."""
    lines = PROJECT["dependencies"] + [
        line
        for extra in ("parsing", "index", "embed", "answers", "evaluate", "explore")
        for line in PROJECT["optional-dependencies"][extra]
    ]
    shipped = read_runtime(ROOT, runtime).packages
    refused = [
        f"{requirement} refuses {shipped[name]}"
        for requirement in map(Requirement, lines)
        if (name := canonicalize_name(requirement.name)) in shipped
        and not requirement.specifier.contains(shipped[name], prereleases=True)
    ]
    assert refused == []


def test_no_base_dependency_brings_spark_torch_or_a_model() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert not names & {"pyspark", "delta-spark", "databricks-connect", "torch", "sentence-transformers", "mlflow"}
    assert not names & {Requirement(line).name for line in PROJECT["optional-dependencies"]["models"]}


def laid(root: Path, places: str) -> Path:
    (root / "environments" / "runtimes").mkdir(parents=True)
    (root / "environments" / "runtimes.yml").write_text(places)
    for name in LISTS:
        (root / "environments" / "runtimes" / f"{name}.txt").write_text("# python 3.12\nnumpy==2.1.3\n")
    return root


PLACES = "variables: {gpu_runtime: {default: %s}, serverless_version: {default: '5'}}"


def test_a_runtime_without_a_list_is_named_with_the_nearest(tmp_path: Path) -> None:
    root = laid(tmp_path, PLACES % "18.x-gpu-ml-scala2.12")
    with pytest.raises(BundleError) as error:
        runtimes(root)
    assert str(error.value) == (
        "runtime 18.x-gpu-ml-scala2.12: no list of its packages in environments/runtimes; nearest are "
        "18.x-gpu-ml-scala2.13, 19.x-gpu-ml-scala2.13, serverless-v6; correct environments/runtimes.yml, or add the "
        "list (docs/another-runtime.md)"
    )


def test_places_that_say_no_runtime_are_refused(tmp_path: Path) -> None:
    root = laid(tmp_path, "variables: {gpu_runtime: {default: 18.x-gpu-ml-scala2.13}}")
    with pytest.raises(BundleError, match="environments/runtimes.yml: 'serverless_version' has no default"):
        runtimes(root)


def test_a_file_that_was_not_made_is_named(tmp_path: Path) -> None:
    file = File(read_runtime(laid(tmp_path, PLACES), "serverless-v5"), "refresh", ())
    with pytest.raises(BundleError, match="serverless-v5/refresh.txt is missing; make it with: make lock"):
        read(file, tmp_path)
