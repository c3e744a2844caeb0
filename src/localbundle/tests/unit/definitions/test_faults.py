"""A fault blocks the jobs, and with --only the tasks, that need what is wrong."""

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError

ROOT = """
    bundle: {name: tiny}
    variables:
      cluster: {lookup: {cluster: Shared}}
    resources:
      jobs:
        right: {tasks: [{task_key: t, condition_task: {op: EQUAL_TO, left: a, right: a}}]}
        wrong:
          tasks:
            - {task_key: a, condition_task: {op: EQUAL_TO, left: a, right: "${var.nope}"}}
            - {task_key: b, condition_task: {op: EQUAL_TO, left: a, right: a}}
        looks_up: {tasks: [{task_key: t, condition_task: {op: EQUAL_TO, left: "${var.cluster}", right: a}}]}
        ignores:
          job_clusters: [{job_cluster_key: k, new_cluster: {policy_id: "${var.cluster}"}}]
          tasks: [{task_key: t, job_cluster_key: k, condition_task: {op: EQUAL_TO, left: a, right: a}}]
"""


def test_other_jobs_and_other_tasks_are_not_blocked(write) -> None:
    bundle = load_bundle(write(root=ROOT))
    assert find_job(bundle, "right").tasks
    with pytest.raises(BundleError, match="no variable nope is declared"):
        find_job(bundle, "wrong")
    assert [task.task_key for task in find_job(bundle, "wrong", "b").tasks] == ["b"]


def test_a_lookup_needs_a_value_here_where_a_job_uses_it(write) -> None:
    bundle = load_bundle(write(root=ROOT))
    with pytest.raises(BundleError, match="variable cluster looks up cluster Shared .*with --var cluster=..."):
        find_job(bundle, "looks_up")
    assert find_job(bundle, "ignores").tasks
    assert find_job(load_bundle(bundle.root, None, {"cluster": "x"}), "looks_up").tasks
