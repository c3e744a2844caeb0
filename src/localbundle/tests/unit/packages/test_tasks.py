import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.packages.tasks import places_of

KINDS = ("notebook_task",)
NOTEBOOK = "notebook_task: {notebook_path: ../notebooks/n.py}"
JOB = """
    resources: {jobs: {x: {
      environments: [
        {environment_key: e, spec: {environment_version: "4", dependencies: [rich, ../dist/*.whl]}},
        {environment_key: based, spec: {base_environment: ../base.yml, dependencies: [six]}},
        {environment_key: empty, spec: {environment_version: "4"}}],
      job_clusters: [{job_cluster_key: c, new_cluster: {spark_version: 16.4.x-scala2.12}}],
      tasks: [%s]}}}
"""


def places(write, tasks: str, only: str | None = None) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    root = write(
        root="bundle: {name: tiny}\ninclude: [resources/*.yml]\n",
        job=JOB % tasks,
        notebook="# Databricks notebook source\n",
        **{"base.yml": "environment_version: '4'\ndependencies: [idna]\n"},
    )
    bundle = load_bundle(root)
    return {place.name: (place.tasks, place.written) for place in places_of(bundle, find_job(bundle, "x", only), KINDS)}


def test_tasks_of_one_environment_share_a_place(write) -> None:
    tasks = f"{{task_key: a, environment_key: e, {NOTEBOOK}}}, {{task_key: b, environment_key: e, {NOTEBOOK}}}"
    assert places(write, tasks) == {"environment e": (("a", "b"), ("rich", "../dist/*.whl"))}


def test_an_environment_has_what_its_base_has(write) -> None:
    found = places(write, f"{{task_key: a, environment_key: based, {NOTEBOOK}}}")
    assert found == {"environment based": (("a",), ("idna", "six"))}


def test_a_base_environment_that_does_not_exist_is_refused(write) -> None:
    tasks = f"{{task_key: a, environment_key: based, {NOTEBOOK}}}"
    places(write, tasks)
    (write() / "base.yml").unlink()
    bundle = load_bundle(write())
    with pytest.raises(BundleError, match="base environment base.yml does not exist; create it or correct the path"):
        places_of(bundle, find_job(bundle, "x"), KINDS)


def test_libraries_are_those_of_all_tasks_on_a_cluster(write) -> None:
    libraries = "{pypi: {package: rich, repo: 'https://example.org/simple'}}, {whl: a.whl}, {jar: a.jar}"
    first = f"{{task_key: a, job_cluster_key: c, libraries: [{libraries}], {NOTEBOOK}}}"
    second = f"{{task_key: b, job_cluster_key: c, libraries: [{{whl: a.whl}}, {{requirements: r.txt}}], {NOTEBOOK}}}"
    own = f"{{task_key: d, new_cluster: {{spark_version: 16.4.x-scala2.12}}, libraries: [{{whl: b.whl}}], {NOTEBOOK}}}"
    on_c = ("--extra-index-url https://example.org/simple", "rich", "a.whl", "-r r.txt")
    assert places(write, f"{first}, {second}, {own}") == {
        "cluster c": (("a", "b"), on_c),
        "task d": (("d",), ("b.whl",)),
    }


def test_what_is_not_run_installs_nothing(write) -> None:
    first = f"{{task_key: a, environment_key: e, {NOTEBOOK}}}"
    other = "{task_key: c, environment_key: based, condition_task: {op: EQUAL_TO, left: a, right: a}}"
    tasks = f"{first}, {{task_key: b, environment_key: based, {NOTEBOOK}}}, {other}"
    assert list(places(write, tasks, "a")) == ["environment e"]
    assert list(places(write, tasks, "c")) == []


def test_a_task_inside_a_loop_has_its_own_environment(write) -> None:
    inner = f"{{task_key: i, environment_key: e, {NOTEBOOK}}}"
    found = places(write, f"{{task_key: loop, for_each_task: {{inputs: '[1]', task: {inner}}}}}")
    assert found == {"environment e": (("loop",), ("rich", "../dist/*.whl"))}


def test_a_task_without_an_environment_installs_nothing(write) -> None:
    assert places(write, f"{{task_key: a, {NOTEBOOK}}}, {{task_key: b, environment_key: empty, {NOTEBOOK}}}") == {}
