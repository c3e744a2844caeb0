"""The DAG of a run, with tasks that need no kernel: conditions, some of which fail."""

import asyncio
import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.tasks import ConditionTask, Dependency, RunIf, Task
from localbundle.packages.prepare import TaskEnvironments
from localbundle.runs.conditions import DONE, State, verdict
from localbundle.runs.record import Recorder, RunRecord, new_run
from localbundle.runs.runner import Runner

RULES: list[RunIf] = [
    "ALL_SUCCESS",
    "AT_LEAST_ONE_SUCCESS",
    "NONE_FAILED",
    "ALL_DONE",
    "AT_LEAST_ONE_FAILED",
    "ALL_FAILED",
]
TRUE = ConditionTask(op="EQUAL_TO", left="a", right="a")
FAILS = ConditionTask(op="GREATER_THAN", left="not a number", right="0")


def make_job(tasks: list[Task]) -> Job:
    return Job(
        key="j",
        name="j",
        tasks=tuple(tasks),
        parameters={},
        max_concurrent_runs=1,
        queue=False,
        timeout_seconds=0,
        ignored=(),
    )


def run(tasks: list[Task]) -> tuple[RunRecord, list[RunRecord]]:
    """The final record, and every record that the run's listener got."""
    updates: list[RunRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        config = {"resources": {}, "workspace": {}}
        bundle = Bundle(Path(folder), "b", "t", config, {}, config)
        folder, record = new_run(bundle.home, "t", make_job(tasks), {})
        return asyncio.run(
            Runner(bundle, make_job(tasks), TaskEnvironments({}), Recorder(folder, record, updates.append), print).run()
        ), updates


@st.composite
def dags(draw) -> list[Task]:
    tasks = []
    for number in range(draw(st.integers(1, 12))):
        above = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        edges = [Dependency(task_key=f"t{other}", outcome=draw(st.sampled_from(["true", "false"]))) for other in above]
        work = draw(st.sampled_from([TRUE, TRUE, FAILS]))
        rule = draw(st.sampled_from(RULES))
        tasks.append(Task(task_key=f"t{number}", depends_on=edges, run_if=rule, condition_task=work))
    return tasks


def expected(tasks: list[Task]) -> dict[str, State]:
    """The states by the rules alone, task after task."""
    states: dict[str, State] = {}
    for task in tasks:
        dependencies: list[State] = []
        for edge in task.depends_on:
            state = states[edge.task_key]
            dependencies.append("EXCLUDED" if state == "SUCCESS" and edge.outcome == "false" else state)
        ruled = verdict(task.run_if, dependencies)
        states[task.task_key] = ("FAILED" if task.condition_task == FAILS else "SUCCESS") if ruled == "RUN" else ruled
    return states


@settings(max_examples=15, deadline=None)
@given(dags())
def test_a_dag_ends_as_the_rules_say(tasks) -> None:
    record, _ = run(tasks)
    assert {key: task.state for key, task in record.tasks.items()} == expected(tasks)


def test_a_hundred_tasks_run_each_after_all_it_depends_on() -> None:
    above = {number: {number // 2, number // 3} - {number} for number in range(100)}
    tasks = [
        Task(
            task_key=f"t{number}",
            depends_on=[Dependency(task_key=f"t{other}", outcome="true") for other in others],
            condition_task=TRUE,
        )
        for number, others in above.items()
    ]
    record, updates = run(tasks)
    assert record.state == "SUCCESS"
    edges = {task.task_key: [edge.task_key for edge in task.depends_on] for task in tasks}
    for before, after in itertools.pairwise(updates):
        for key, task in after.tasks.items():
            if task.state == "RUNNING" and before.tasks[key].state != "RUNNING":
                assert all(before.tasks[other].state in DONE for other in edges[key])
