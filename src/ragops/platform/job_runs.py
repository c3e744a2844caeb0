"""The bundle's jobs with their schedules and their last runs: from a laptop's records, or from the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from ragops.errors import UserError, needing
from ragops.platform.compute import on_databricks
from ragops.platform.config_files import read_json
from ragops.platform.credentials import workspace_client
from ragops.platform.deployment import deployed_job_ids
from ragops.platform.workspace import local_home
from ragops.text import one_line

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseRun

RunState = Literal["success", "failed", "running", "skipped"]

_ANSWER_SECONDS, _RETRY_SECONDS = 20, 60
_RUNS = 25  # of a job, the newest
_ERROR_CHARACTERS = 200
_FAILED = ("FAILED", "TIMEDOUT")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL: dict[str, RunState] = {"QUEUED": "running", "RUNNING": "running", "SUCCESS": "success"}


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run: when it began, when it ended (None while it runs), and how. Skipped: another one was active.

    `error`: why it failed, in one line; "" if it did not, or if that is not known.
    """

    started: datetime
    ended: datetime | None
    state: RunState
    error: str = ""


@dataclass(frozen=True)
class ScheduledJob:
    """A job of the bundle.

    Attributes:
        name: its key in the bundle.
        cron: its schedule as a Quartz expression; "" without one.
        timezone: of the schedule.
        paused: whether the schedule is paused.
        since: since when the job is deployed.
        runs: its last runs, the newest first.
    """

    name: str
    cron: str
    timezone: str
    paused: bool
    since: datetime
    runs: tuple[JobRun, ...] = ()


def jobs_with_runs(files: Path) -> list[ScheduledJob]:
    """The jobs that the bundle deployed, by name.

    Args:
        files: the folder of the deployed bundle's files, where usecase.yml is; a laptop needs none.

    Raises:
        UserError: nothing is deployed, the workspace does not answer, or the current user may not see a job.
    """
    return _of_workspace(files) if on_databricks() else _of_laptop(local_home())


def _of_laptop(home: Path) -> list[ScheduledJob]:
    """By localbundle's contract: the resolved bundle, and a record for each run."""
    file = home / "bundle.json"
    if not file.is_file():
        raise UserError(f"{file} does not exist; run: localbundle run refresh")
    jobs = read_json(file)["resources"]["jobs"]
    runs = _local_runs(home)
    first = min((one.started for some in runs.values() for one in some), default=datetime.now(UTC))
    found = []
    for name, job in sorted(jobs.items()):
        schedule = job.get("schedule") or {}
        own = sorted(runs.get(name, []), key=lambda one: one.started, reverse=True)
        found.append(
            ScheduledJob(
                name,
                schedule.get("quartz_cron_expression", ""),
                schedule.get("timezone_id", "UTC"),
                schedule.get("pause_status") == "PAUSED",
                first,
                tuple(own),
            )
        )
    return found


def _local_runs(home: Path) -> dict[str, list[JobRun]]:
    folder = home / "runs"
    found: dict[str, list[JobRun]] = {}
    for file in folder.glob("*/run.json"):
        try:
            record = read_json(file)
            run = _local_run(record)
        except (UserError, ValueError, KeyError, TypeError):  # removed or incomplete: nothing is known of this run
            continue
        found.setdefault(record["job"], []).append(run)
    return found


def _local_run(record: dict[str, Any]) -> JobRun:
    ended = datetime.fromisoformat(record["ended"]) if record.get("ended") else None
    state = _LOCAL.get(record["state"], "failed")
    if state == "running" and not psutil.pid_exists(record["pid"]):
        state = "failed"
    error = _failed_task(record.get("tasks") or {}) if state == "failed" else ""
    return JobRun(datetime.fromisoformat(record["started"]), ended, state, error)


def _failed_task(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    """The first task that failed, and why; "" if none did."""
    failed = {key: one for key, one in tasks.items() if one.get("state") in _FAILED}
    if not failed:
        return ""
    key, first = min(failed.items(), key=lambda item: str(item[1].get("ended") or ""))
    return one_line(f"task {key}: {first.get('message') or first['state']}", _ERROR_CHARACTERS)


def _of_workspace(files: Path) -> list[ScheduledJob]:
    ids = deployed_job_ids(files)
    client = workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS)
    return [_job(client, name, number) for name, number in sorted(ids.items())]


def _job(client: WorkspaceClient, name: str, number: int) -> ScheduledJob:
    with needing("CAN VIEW", f"job {name}"):
        job = client.jobs.get(number)
        runs = tuple(_run(one) for one in islice(client.jobs.list_runs(job_id=number, limit=_RUNS), _RUNS))
    schedule = job.settings.schedule if job.settings else None
    status = schedule.pause_status if schedule else None
    return ScheduledJob(
        name,
        schedule.quartz_cron_expression if schedule else "",
        schedule.timezone_id if schedule else "UTC",
        status is not None and status.value == "PAUSED",
        _at(job.created_time or 0),
        tuple(sorted(runs, key=lambda one: one.started, reverse=True)),
    )


def _run(run: BaseRun) -> JobRun:
    life = run.state.life_cycle_state.value if run.state and run.state.life_cycle_state else ""
    result = run.state.result_state.value if run.state and run.state.result_state else ""
    state: RunState = "running"
    if life == "SKIPPED":
        state = "skipped"
    elif life in ("TERMINATED", "INTERNAL_ERROR"):
        state = "success" if result.startswith("SUCCESS") else "failed"
    message = (run.state.state_message if run.state else None) or ""
    error = one_line(message, _ERROR_CHARACTERS) if state == "failed" else ""
    return JobRun(_at(run.start_time or 0), _at(run.end_time) if run.end_time else None, state, error)


def _at(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
