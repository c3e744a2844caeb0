"""The bundle's jobs and their runs: a laptop's records as localbundle's contract lists them; the workspace's API."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from localbundle.definitions.jobs import Job
from localbundle.runs.record import Recorder, new_run, now

from ragops.errors import UserError
from ragops.platform.job_runs import ScheduledJob, jobs_with_runs
from tests.support.http_server import QuietHandler, serve

SCHEDULE = {"quartz_cron_expression": "0 0/30 * * * ?", "timezone_id": "UTC", "pause_status": "PAUSED"}

JOB = Job(
    key="refresh", name="r", tasks=(), parameters={}, max_concurrent_runs=1, queue=False, timeout_seconds=0,
    libraries=(), ignored=(),
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    jobs = {"refresh": {"name": "r", "schedule": SCHEDULE}, "release": {"name": "b"}}
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": {"jobs": jobs}}))
    return tmp_path


def run(home: Path, state: str, pid: int | None = None) -> datetime:
    """A run as localbundle records it; returns when it began."""
    folder, record = new_run(home, "dev", JOB, {})
    recorder = Recorder(folder, record, lambda change: None)
    ended = None if state in ("QUEUED", "RUNNING") else now()
    recorder.update(state=state, ended=ended, **({"pid": pid} if pid else {}))
    assert recorder.record.started
    return recorder.record.started


def refresh() -> ScheduledJob:
    found = {one.name: one for one in jobs_with_runs(Path("unused"))}
    assert found.keys() == {"refresh", "release"} and found["release"].cron == ""
    return found["refresh"]


def test_jobs_have_their_schedules_and_no_runs_at_first() -> None:
    one = refresh()
    assert (one.cron, one.timezone, one.paused, one.runs) == ("0 0/30 * * * ?", "UTC", True, ())


def test_runs_as_localbundle_records_them_the_newest_first(home: Path) -> None:
    first = run(home, "SUCCESS")
    for state in ("SUCCESS_WITH_FAILURES", "FAILED", "TIMEDOUT", "CANCELED", "INTERRUPTED"):
        run(home, state)
    last = run(home, "RUNNING", os.getpid())
    one = refresh()
    assert [each.state for each in one.runs] == ["running", *["failed"] * 5, "success"]
    assert (one.runs[0].started, one.runs[0].ended, one.runs[-1].started) == (last, None, first)
    assert one.since == first


def test_a_run_whose_process_is_gone_has_failed(home: Path) -> None:
    run(home, "RUNNING", 2**22 + 1)  # beyond the largest id of a process
    assert refresh().runs[0].state == "failed"


def test_a_failed_run_says_which_task_failed_first_and_why(home: Path) -> None:
    run(home, "FAILED")
    (file,) = home.glob("runs/*/run.json")
    tasks = {
        "ingest": {"state": "SUCCESS", "message": "40 files", "ended": "2026-11-30T08:00:00Z"},
        "publish": {"state": "FAILED", "message": "volume\nfull", "ended": "2026-11-30T08:02:00Z"},
        "report": {"state": "UPSTREAM_FAILED", "message": "publish failed", "ended": None},
    }
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tasks": tasks}))
    assert refresh().runs[0].error == "task publish: volume full"
    run(home, "SUCCESS")
    assert refresh().runs[0].error == ""


def test_a_damaged_record_hides_no_other(home: Path) -> None:
    run(home, "SUCCESS")
    for number, text in enumerate(
        ("", "[]", '{"job": "refresh"}', '{"job": "refresh", "state": "SUCCESS", "started": 1}')
    ):
        (home / "runs" / f"9{number}").mkdir()
        (home / "runs" / f"9{number}" / "run.json").write_text(text)
    assert len(refresh().runs) == 1


def test_a_workspace_where_nothing_ran_is_one_line(home: Path) -> None:
    (home / "bundle.json").unlink()
    with pytest.raises(UserError, match="bundle.json does not exist; run: localbundle run refresh"):
        jobs_with_runs(Path("unused"))


def test_times_have_a_time_zone(home: Path) -> None:
    run(home, "SUCCESS")
    one = refresh().runs[0]
    assert one.ended and timedelta(0) <= one.ended - one.started < timedelta(minutes=1)
    assert one.started.utcoffset() == UTC.utcoffset(None)


class _Jobs(QuietHandler):
    """Answers as the Jobs API 2.2 does: `jobs/get`, `jobs/runs/list`."""

    forbidden = False

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.forbidden:
            return self._answer(403, {"error_code": "PERMISSION_DENIED", "message": "User does not have permission"})
        if path == "/api/2.2/jobs/get" and "job_id=7" in query:
            settings = {"name": "refresh", "schedule": SCHEDULE | {"pause_status": "UNPAUSED"}}
            return self._answer(200, {"job_id": 7, "created_time": 1_790_000_000_000, "settings": settings})
        if path == "/api/2.2/jobs/runs/list" and "job_id=7" in query:
            return self._answer(200, {"runs": [_run(*one) for one in RUNS], "has_more": False})
        return self._answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such job"})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


RUNS = [
    (5, "RUNNING", None, "running"),
    (4, "SKIPPED", None, "skipped"),
    (3, "TERMINATED", "SUCCESS", "success"),
    (2, "TERMINATED", "FAILED", "failed"),
    (1, "INTERNAL_ERROR", None, "failed"),
]


def _run(number: int, life: str, result: str | None, _: str) -> dict[str, object]:
    state = {"life_cycle_state": life, "state_message": "no\nluck"} | ({"result_state": result} if result else {})
    start = 1_790_000_000_000 + number * 1_800_000
    return {"run_id": number, "job_id": 7, "start_time": start, "end_time": start + 60_000, "state": state}


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a bundle as `databricks bundle deploy` leaves them, and the environment of a task."""
    files = tmp_path / "root" / "files"
    files.mkdir(parents=True)
    (files / "databricks.yml").write_text("")
    (files.parent / "state").mkdir()
    state = {"config": {"resources": {"jobs": {"refresh": {"id": "7"}}}}}
    (files.parent / "state" / "metadata.json").write_text(json.dumps(state))
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5.2")
    monkeypatch.setenv("DATABRICKS_TOKEN", "a-token")
    return files


def test_a_workspace_is_asked_for_each_deployed_job(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(_Jobs) as address:
        monkeypatch.setenv("DATABRICKS_HOST", address)
        (one,) = jobs_with_runs(deployed)
    assert (one.name, one.cron, one.timezone, one.paused) == ("refresh", "0 0/30 * * * ?", "UTC", False)
    assert [run.state for run in one.runs] == [state for *_, state in RUNS]
    assert [run.error for run in one.runs] == ["", "", "", "no luck", "no luck"]
    assert one.runs[0].started - one.runs[1].started == timedelta(minutes=30)
    assert one.since == datetime.fromtimestamp(1_790_000_000, UTC)


def test_a_missing_right_is_one_line(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(_Jobs, forbidden=True) as address:
        monkeypatch.setenv("DATABRICKS_HOST", address)
        with pytest.raises(UserError, match="needs CAN VIEW on job refresh"):
            jobs_with_runs(deployed)


def test_a_bundle_that_is_not_deployed_is_one_line(deployed: Path) -> None:
    (deployed.parent / "state" / "metadata.json").unlink()
    with pytest.raises(UserError, match="has no ids of jobs .FileNotFoundError.; deploy the bundle again"):
        jobs_with_runs(deployed)
