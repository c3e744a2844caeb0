import os

import pytest

from localbundle.definitions.jobs import ConditionTask, Dependency, Job, Task
from localbundle.errors import BundleError
from localbundle.runs.record import Recorder, TaskRecord, job_slot, list_runs, new_run, read_run, run_state


def make_job(limit: int = 1) -> Job:
    condition = ConditionTask(op="EQUAL_TO", left="a", right="a")
    tasks = (
        Task(task_key="a", condition_task=condition),
        Task(task_key="b", condition_task=condition, depends_on=[Dependency(task_key="a", outcome="true")]),
    )
    return Job(
        key="j",
        name="j",
        tasks=tasks,
        parameters={},
        max_concurrent_runs=limit,
        queue=False,
        timeout_seconds=0,
        ignored=(),
    )


def states(a: str, b: str) -> dict[str, TaskRecord]:
    return {
        "a": TaskRecord(task_key="a", kind="condition", state=a),
        "b": TaskRecord(task_key="b", kind="condition", state=b),
    }


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("SUCCESS", "SUCCESS", "SUCCESS"),
        ("SUCCESS", "EXCLUDED", "SUCCESS"),
        ("SUCCESS", "FAILED", "FAILED"),
        ("FAILED", "UPSTREAM_FAILED", "FAILED"),
        ("FAILED", "SUCCESS", "SUCCESS_WITH_FAILURES"),
    ],
)
def test_the_state_of_a_run_is_that_of_its_leaves(a, b, expected) -> None:
    assert run_state(make_job(), states(a, b)) == expected


def test_runs_are_numbered_recorded_and_listed_newest_first(tmp_path) -> None:
    seen = []
    for _ in range(2):
        folder, record = new_run(tmp_path, "dev", make_job(), {"p": "v"})
        recorder = Recorder(folder, record, seen.append)
        recorder.task("a", state="RUNNING")
    recorder.update(state="SUCCESS")
    assert [run.run_id for run in list_runs(tmp_path)] == [2, 1]
    assert read_run(tmp_path, 2) == recorder.record
    assert [run.tasks["a"].state for run in seen[:2]] == ["BLOCKED", "RUNNING"]
    with pytest.raises(BundleError, match="run 3 does not exist in target"):
        read_run(tmp_path, 3)


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path) -> None:
    folder, record = new_run(tmp_path, "dev", make_job(), {})
    Recorder(folder, record.model_copy(update={"state": "RUNNING"}), lambda run: None)
    assert read_run(tmp_path, 1).state == "RUNNING"
    Recorder(folder, record.model_copy(update={"state": "RUNNING", "process_started": 1.0}), lambda run: None)
    assert read_run(tmp_path, 1).state == "INTERRUPTED"


def test_a_job_has_as_many_places_as_concurrent_runs(tmp_path) -> None:
    job = make_job(limit=2)
    taken = rf"job j runs already \(run 1 of \S+ since .*, pid {os.getpid()}\).* is 2"
    with (
        job_slot(tmp_path, job, 1, print),
        job_slot(tmp_path, job, 2, print),
        pytest.raises(BundleError, match=taken),
        job_slot(tmp_path, job, 3, print),
    ):
        pass
    with job_slot(tmp_path, job, 4, print):
        pass
