import json
import os
import zipfile
from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.runs.wheels import missing_requirements, wheel_folder

JOB = """
    resources: {jobs: {x: {
      environments: [{environment_key: e, spec: {dependencies: [%s]}}],
      tasks: [{task_key: t, environment_key: e, notebook_task: {notebook_path: ../notebooks/n.py}}]}}}
"""


def prepared(write, artifact: str, dependencies: str = "../dist/*.whl"):
    root = write(
        root=f"bundle: {{name: tiny}}\ninclude: [resources/*.yml]\nartifacts: {{tiny: {artifact}}}\n",
        job=JOB % dependencies,
        notebook="# Databricks notebook source\n",
    )
    bundle = load_bundle(root)
    return bundle, find_job(bundle, "x")


def wheel(folder: Path, name: str, text: str, age: float = 0) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("tiny/__init__.py", text)
    os.utime(folder / name, (1e9 - age, 1e9 - age))


def test_the_newest_wheel_is_unpacked_once_for_its_content(write) -> None:
    bundle, job = prepared(write, "{type: whl, build: 'true'}")
    wheel(bundle.root / "dist", "tiny-1.whl", "version = 1", age=10)
    wheel(bundle.root / "dist", "tiny-2.whl", "version = 2")
    folder = wheel_folder(bundle, job, print)
    assert folder is not None
    assert (folder / "tiny" / "__init__.py").read_text() == "version = 2"
    assert wheel_folder(bundle, job, print) == folder
    assert len(list(folder.parent.iterdir())) == 1


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    """A project that this Python has installed from its source (editable)."""
    folder, installed = tmp_path / "project", tmp_path / "site/own_project-1.dist-info"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'own-project'\nversion = '1'\n")
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: own-project\nVersion: 1\n")
    (installed / "direct_url.json").write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    monkeypatch.syspath_prepend(installed.parent)
    return folder


def test_an_artifact_installed_from_its_source_is_not_built(write, project: Path) -> None:
    bundle, job = prepared(write, f"{{type: whl, path: {project}, build: 'false'}}")
    assert wheel_folder(bundle, job, print) is None


def test_a_package_that_is_installed_is_not_built(write) -> None:
    """Whatever its version."""
    bundle, job = prepared(write, "{type: whl, build: 'false'}", "../dist/typing_extensions-*.whl")
    assert wheel_folder(bundle, job, print) is None


def test_a_build_that_fails_is_reported_with_its_command(write) -> None:
    bundle, job = prepared(write, "{type: whl, build: 'echo no compiler >&2; exit 1'}")
    with pytest.raises(BundleError, match=r"`echo no compiler .*` failed \(no compiler\); correct its build command"):
        wheel_folder(bundle, job, print)


def test_a_wheel_without_an_artifact_is_an_error(write) -> None:
    bundle, job = prepared(write, "{type: whl, build: 'true'}")
    with pytest.raises(BundleError, match=r"no wheel matches .*/dist/\*.whl; add an artifact of type whl"):
        wheel_folder(bundle, job, print)


def test_a_job_without_wheels_needs_no_folder(write) -> None:
    bundle, job = prepared(write, "{type: whl, build: 'false'}", "rich")
    assert wheel_folder(bundle, job, print) is None


def test_missing_requirements_are_listed(write) -> None:
    _, job = prepared(write, "{type: whl}", "rich>=1, 'rich<1', nobodys-package, '-r x.txt', /some/path, ../dist/*.whl")
    assert missing_requirements(job) == ["rich<1", "nobodys-package"]


def test_an_artifact_whose_project_is_a_link_is_installed_if_the_linked_project_is(write, project: Path) -> None:
    """Next to another artifact whose package is installed: nothing is built."""
    artifacts = "artifacts: {own: {type: whl, build: 'false'}, other: {type: whl, path: other, build: 'false'}}"
    root = write(
        root=f"bundle: {{name: tiny}}\ninclude: [resources/*.yml]\n{artifacts}\n",
        job=JOB % "",
        notebook="# Databricks notebook source\n",
    )
    (root / "pyproject.toml").symlink_to(project / "pyproject.toml")
    bundle = load_bundle(root)
    libraries = (f"{project}/dist/*.whl", f"{root}/other/dist/rich-*.whl")
    job = find_job(bundle, "x").model_copy(update={"libraries": libraries})
    assert wheel_folder(bundle, job, print) is None
