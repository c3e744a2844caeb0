import json
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.jobs import Job
from localbundle.definitions.tasks import ConditionTask, Dependency, Task
from localbundle.errors import BundleError
from localbundle.runs.conditions import DONE
from localbundle.runs.record import (
    KEPT,
    Recorder,
    RunState,
    TaskRecord,
    blocked,
    list_runs,
    new_run,
    now,
    read_run,
    repaired,
    run_state,
)


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
        libraries=(),
        ignored=(),
    )


def states(a: str, b: str) -> dict[str, TaskRecord]:
    return {
        "a": TaskRecord(task_key="a", kind="condition_task", state=a),
        "b": TaskRecord(task_key="b", kind="condition_task", state=b),
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


def test_an_iteration_counts_for_its_task_not_for_the_run() -> None:
    tasks = states("SUCCESS", "SUCCESS")
    tasks["b.0"] = blocked(make_job().task("b"), "b.0", "b").model_copy(update={"state": "FAILED"})
    assert run_state(make_job(), tasks) == "SUCCESS_WITH_FAILURES"


@given(st.sampled_from(sorted(DONE)), st.sampled_from(sorted(DONE)))
def test_a_repair_keeps_what_succeeded_after_what_is_kept(a, b) -> None:
    tasks = states(a, b)
    tasks["b"] = tasks["b"].model_copy(update={"depends_on": ("a",)})
    with tempfile.TemporaryDirectory() as folder:
        _, record = new_run(Path(folder), "dev", make_job(), {"p": "v"})
    again = repaired(record.model_copy(update={"tasks": tasks, "state": "FAILED"}), make_job())
    assert (again.tasks["a"].state == a) == (a in KEPT)
    assert (again.tasks["b"].state == b) == (a in KEPT and b in KEPT)
    assert {task.state for task in again.tasks.values()} <= KEPT | {"BLOCKED"}
    assert (again.repairs, again.parameters, again.run_id) == (1, {"p": "v"}, record.run_id)


def test_a_record_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    contract = (Path(__file__).parents[3] / "CONTRACT.md").read_text()
    section = contract.split("## Records of runs\n")[1].split("\n## ")[0]
    fields = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE))
    folder, record = new_run(tmp_path, "dev", make_job(), {})
    recorder = Recorder(folder, record, lambda run: None)
    running = json.loads((folder / "run.json").read_text())
    recorder.update(state="SUCCESS", ended=now())
    ended = json.loads((folder / "run.json").read_text())
    assert fields.keys() <= running.keys() and running["ended"] is None
    assert (ended["job"], str(ended["run_id"])) == ("j", folder.name)
    times = [datetime.fromisoformat(ended[name]) for name in ("started", "ended")]
    assert all(one.utcoffset() == timedelta(0) for one in times)
    assert set(re.findall(r"`([A-Z_]+)`", fields["state"])) == set(get_args(RunState))
    assert set(re.findall(r"`(\w+)`", fields["tasks"])) <= TaskRecord.model_fields.keys()
