import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.jobs import job_parameters, reachable
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError

ROOT = "bundle: {name: tiny}\ninclude: [resources/*.yml]\n"
NOTEBOOK = "# Databricks notebook source\n"


def job(write, body: str, only: str | None = None):
    bundle = load_bundle(write(root=ROOT, job=f"resources: {{jobs: {{x: {body}}}}}", notebook=NOTEBOOK))
    return find_job(bundle, "x", only)


def notebook(key: str, more: str = "") -> str:
    return f"{{task_key: {key}, notebook_task: {{notebook_path: ../notebooks/n.py}}{more}}}"


def test_tasks_come_in_topological_order_with_absolute_paths(write, tmp_path) -> None:
    found = job(write, f"{{tasks: [{notebook('b', ', depends_on: [{task_key: a}]')}, {notebook('a')}]}}")
    assert [task.task_key for task in found.tasks] == ["a", "b"]
    assert found.task("a").notebook_task.notebook_path == str(tmp_path / "notebooks/n.py")


def test_compute_is_ignored_and_listed(write) -> None:
    clusters = "job_clusters: [{job_cluster_key: big, new_cluster: {spark_version: 17-gpu-ml}}]"
    found = job(
        write,
        f"{{{clusters}, environments: [{{environment_key: e}}], tasks: [{notebook('a', ', job_cluster_key: big')}]}}",
    )
    assert found.ignored == ("job cluster big (GPU)",)


def test_given_parameters_win_over_declared_ones(write) -> None:
    found = job(write, f"{{parameters: [{{name: n, default: 4}}, {{name: m, default: x}}], tasks: [{notebook('a')}]}}")
    assert job_parameters(found, {"m": "y"}) == {"n": "4", "m": "y"}
    with pytest.raises(BundleError, match="job x has no parameter mm; did you mean m?"):
        job_parameters(found, {"mm": "1"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{tasks: []}", "job x has no tasks"),
        ("{tasks: [{task_key: a}]}", "task a of job x must have exactly one kind of work, has none"),
        (
            "{tasks: [{task_key: a, dbt_task: {}}]}",
            "x.job.yml:1: task a of job x is a dbt_task, which localbundle cannot run",
        ),
        ("{tasks: [{task_key: a, notebook_task: {notebook_path: no.ipynb}}]}", "notebook no.ipynb does not exist"),
        (f"{{tasks: [{notebook('a', ', run_if: SOMETIMES')}]}}", "run_if: Input should be 'ALL_SUCCESS'"),
        ("{tasks: [{run_if: ALL_DONE}]}", "job x has a task without task_key"),
        (
            f"{{tasks: [{notebook('aa')}, {notebook('b', ', depends_on: [{task_key: ab}]')}]}}",
            "depends on ab, which does not exist; did you mean aa?",
        ),
        (f"{{tasks: [{notebook('a', ', depends_on: [{task_key: a}]')}]}}", "dependency cycle a -> a"),
        (
            f"{{tasks: [{notebook('a')}, {notebook('b', ', depends_on: [{task_key: a, outcome: true}]')}]}}",
            "which is not a condition task",
        ),
    ],
)
def test_what_cannot_run_is_refused_by_name(write, body, message) -> None:
    with pytest.raises(BundleError) as caught:
        job(write, body)
    assert message in str(caught.value)


def test_an_unknown_job_gets_its_closest_match(write) -> None:
    bundle = load_bundle(write(root=ROOT, job="resources: {jobs: {refresh: {}}}"))
    with pytest.raises(BundleError, match="job refesh is not in the bundle; did you mean refresh?"):
        find_job(bundle, "refesh")


def chain(write, only: str, count: int = 4):
    tasks = [notebook("t0")]
    tasks += [notebook(f"t{n}", f", depends_on: [{{task_key: t{n - 1}}}]") for n in range(1, count)]
    return job(write, f"{{tasks: [{', '.join(tasks)}]}}", only)


@pytest.mark.parametrize(
    ("only", "chosen"),
    [("t1", "t1"), ("+t1", "t0 t1"), ("t2+", "t2 t3"), ("+t1+", "t0 t1 t2 t3"), ("t0, t3", "t0 t3")],
)
def test_only_chooses_tasks_and_drops_edges_to_others(write, only, chosen) -> None:
    selected = chain(write, only)
    assert " ".join(task.task_key for task in selected.tasks) == chosen
    kept = {task.task_key for task in selected.tasks}
    assert all(edge.task_key in kept for task in selected.tasks for edge in task.depends_on)


def test_only_is_not_blocked_by_what_it_leaves_out(write) -> None:
    wrong = (
        "{task_key: b, depends_on: [{task_key: a}], dbt_task: {}}, {task_key: c, notebook_task: {notebook_path: x.py}}"
    )
    body = f"{{tasks: [{notebook('a')}, {wrong}]}}"
    assert [task.task_key for task in job(write, body, "a").tasks] == ["a"]
    with pytest.raises(BundleError, match="task b of job x is a dbt_task"):
        job(write, body, "a+")
    with pytest.raises(BundleError, match="--only aa: not a task of job x; did you mean a?"):
        job(write, body, "aa")


graphs = st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1).map(
    lambda edges: {key: edges.get(key, set()) for key in "abcdef"}
)


@given(graphs, st.sampled_from("abcdef"))
def test_what_can_be_reached_is_closed(edges, start) -> None:
    found = reachable(edges, start)
    assert edges[start] <= found
    assert all(edges[key] <= found for key in found)


def test_a_job_that_is_run_is_checked_too(write) -> None:
    inner = "y: {tasks: [{task_key: u, dbt_task: {}}]}"
    outer = "x: {tasks: [{task_key: t, run_job_task: {job_id: '${resources.jobs.y.id}'}}]}"
    bundle = load_bundle(write(root=ROOT, job=f"resources: {{jobs: {{{outer}, {inner}}}}}"))
    with pytest.raises(BundleError, match="task u of job y is a dbt_task"):
        find_job(bundle, "x")
