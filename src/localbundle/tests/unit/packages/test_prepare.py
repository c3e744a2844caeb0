"""What is found before a run begins, without anything that is installed."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from localbundle.definitions.bundle import Bundle, load_bundle
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.packages.prepare import TaskEnvironments, prepare
from localbundle_support.wheels import write_wheel

BUNDLE = "bundle: {name: tiny}\ninclude: [resources/*.yml]\n"
ARTIFACT = "artifacts: {tiny: {type: whl, build: 'true'}}\n"
JOB = """
resources:
  jobs:
    x:
      environments: [{environment_key: e, spec: {environment_version: "4", dependencies: %s}}]
      tasks: [{task_key: t, environment_key: e, notebook_task: {notebook_path: ../notebooks/n.py}}]
"""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def bundle(write):
    """A bundle whose job has one task with these dependencies."""

    def make(*dependencies: str, root: str = "") -> Bundle:
        folder = write(
            root=BUNDLE + root, job=JOB % json.dumps(dependencies), notebook="# Databricks notebook source\n"
        )
        return load_bundle(folder)

    return make


def prepared(bundle: Bundle) -> TaskEnvironments:
    """With --no-install."""
    return prepare(bundle, find_job(bundle, "x"), lambda note: None, pytest.fail, install=False)


def refused(bundle: Bundle) -> str:
    with pytest.raises(BundleError) as raised:
        prepared(bundle)
    return str(raised.value)


def test_what_is_installed_needs_no_environment(bundle, tmp_path: Path, install) -> None:
    wheel = write_wheel(tmp_path / "dist", "tiny", "1.0", requires=["rich"], extras={"more": "packaging"})
    install(wheel)
    found = prepared(bundle("rich>=13", "--pre", "../dist/*.whl[more]", "pyspark==3.5", 'six; python_version<"3"'))
    assert found == TaskEnvironments({})
    assert not (tmp_path / "cache").exists()


def test_a_package_that_is_installed_from_its_source_needs_only_what_it_requires(bundle, tmp_path, install) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'tiny'\nversion = '1'\n")
    extras = {"more": "nobodys-package>=2"}
    install(write_wheel(tmp_path / "made", "tiny", "1", requires=["rich"], extras=extras))
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    (tmp_path / "laptop/site-packages/tiny-1.dist-info/direct_url.json").write_text(json.dumps(origin))
    root = "artifacts: {tiny: {type: whl, build: 'false'}}\n"
    assert prepared(bundle("../dist/*.whl", root=root)) == TaskEnvironments({})
    assert "environment e lacks nobodys-package>=2;" in refused(bundle("../dist/*.whl[more]", root=root))


@pytest.mark.parametrize("changed", ["content", "requirement"])
def test_a_wheel_that_differs_from_the_installed_one_is_lacking(bundle, tmp_path: Path, install, changed: str) -> None:
    requires = ["nobodys-package"] if changed == "requirement" else []
    files = {"tiny/__init__.py": "changed = True\n"} if changed == "content" else None
    install(write_wheel(tmp_path / "made", "tiny", "1.0"))
    write_wheel(tmp_path / "dist", "tiny", "1.0", requires=requires, files=files)
    assert "environment e lacks ../dist/*.whl;" in refused(bundle("../dist/*.whl"))


def test_the_command_that_is_named_installs_what_is_missing(bundle, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "dist", "tiny", "1.0")
    (tmp_path / "requirements.txt").write_text("rich\nnobodys-package>=2\nnobodys-other\n")
    message = refused(bundle("--no-index", "-r ../requirements.txt", "rich", "six>99", "../dist/*.whl"))
    assert message.startswith("job x: environment e lacks nobodys-package>=2, nobodys-other, six>99, ../dist/*.whl; ")
    reason, _, command = message.partition("; run it without --no-install, or install what is missing: ")
    assert reason != message
    assert shlex.split(command) == [
        "uv", "pip", "install", "--python", sys.executable, "--no-index",
        "-r", f"{tmp_path}/requirements.txt", "six>99", str(wheel),
    ]  # fmt: skip


def test_many_missing_packages_are_counted(bundle) -> None:
    message = refused(bundle(*(f"nobodys-package-{number}" for number in range(9))))
    assert "nobodys-package-4 and 4 more; run it" in message


def test_the_bundle_may_use_the_packages_of_this_python(bundle) -> None:
    own = replace(
        bundle("rich<1", "-r /Workspace/Shared/r.txt", "nobodys-package", 'other; python_version<"3"'), install=False
    )
    assert prepared(own) == TaskEnvironments({}, ("nobodys-package", "rich<1"))


@pytest.mark.parametrize(
    ("dependencies", "artifacts", "message"),
    [
        (["../dist/*.whl"], "", "no wheel matches ../dist/*.whl; add an artifact of type whl that builds it, or"),
        (["../dist/*.whl"], ARTIFACT, "no wheel matches ../dist/*.whl; artifact tiny does not write it; correct its"),
        (["../dist/a-1-py3-none-any.whl"], ARTIFACT, "no wheel matches ../dist/a-1-py3-none-any.whl; artifact tiny"),
        (["/Volumes/a/b/c/a.whl"], "", "no wheel matches /Volumes/a/b/c/a.whl; copy it to "),
        (["/Workspace/Shared/a.whl"], "", "no wheel matches /Workspace/Shared/a.whl; put it in the bundle's folder"),
        (["../broken/*.whl"], "", "../broken/*.whl is not a wheel (it is not a zip file); build it again"),
        (["rich=>13"], "", "`rich=>13` is not a requirement"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_an_error_with_its_task_and_place(bundle, write, dependencies, artifacts, message) -> None:
    write(**{"broken/tiny-1-py3-none-any.whl": "not a zip file"})
    found = refused(bundle(*dependencies, root=artifacts))
    assert found.startswith(f"resources/x.job.yml:5: task t of job x: {message}")


def test_an_iteration_has_the_environment_of_its_task() -> None:
    environments = TaskEnvironments({("x", "t"): "environment"})  # type: ignore[dict-item]
    assert environments.of("x", "t.12") == environments.of("x", "t") == "environment"
    assert environments.of("x", "u") is None
