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
