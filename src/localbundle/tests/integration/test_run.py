import getpass
import json
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from localbundle.workspace.server import Server
from localbundle_support.waiting import eventually

pytestmark = pytest.mark.usefixtures("warm")
SCHEMA = f"dev_{re.sub(r'[^A-Za-z0-9]+', '_', getpass.getuser())}_rag"


def record(tiny: Path, output: str) -> tuple[Path, dict[str, Any]]:
    run_id = re.search(r"run (\d+), target dev", output)
    assert run_id, output
    folder = tiny / ".localbundle/dev/runs" / run_id[1]
    return folder, json.loads((folder / "run.json").read_text())


def test_a_job_flows_from_task_to_task(localbundle, tiny) -> None:
    done = localbundle("run", "flow", "-t", "dev", "--params", "rows=2,landing=here,there", "--params", "landing=x")
    assert done.returncode == 0, done.stdout + done.stderr
    folder, run = record(tiny, done.stdout)
    assert run["state"] == "SUCCESS"
    assert {key: task["state"] for key, task in run["tasks"].items()} == {
        "ingest": "SUCCESS",
        "has_work": "SUCCESS",
        "embed": "SUCCESS",
        "nothing": "EXCLUDED",
    }
    assert run["tasks"]["ingest"]["values"] == {
        "rows": 2,
        "widgets": {"schema": SCHEMA, "extra": "widget", "own": "base", "rows": "2", "landing": "X"},
    }
    assert run["tasks"]["has_work"]["outcome"] == "true"
    assert run["tasks"]["embed"]["exit"] == f"run {run['run_id']} embedded 2"
    assert "ignored settings: job cluster gpus (GPU)" in done.stdout
    assert f"embed: success {run['tasks']['embed']['exit']}" in re.sub(r"\d+\.\d s +", "", done.stdout)
    assert "never reached" not in json.dumps([cell["outputs"] for cell in cells(folder, "embed")])
    assert "from sql" in json.dumps(cells(folder, "embed"))
    assert "swallowed" not in json.dumps([cell["outputs"] for cell in cells(folder, "embed")])
    assert "ingested 2" in json.dumps(cells(folder, "ingest"))
    names = json.loads((tiny / ".localbundle/dev/bundle.json").read_text())
    assert names["resources"]["schemas"]["rag"]["name"] == SCHEMA


def cells(folder: Path, task: str) -> list[dict[str, Any]]:
    notebook = json.loads((folder / f"{task}.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_a_failure_shows_message_and_source_first_and_no_java_stack(localbundle, tiny) -> None:
    done = localbundle("run", "broken")
    assert done.returncode == 1
    folder, run = record(tiny, done.stdout)
    states = {key: task["state"] for key, task in run["tasks"].items()}
    assert states == {
        "defect": "FAILED",
        "mistake": "FAILED",
        "query": "FAILED",
        "after": "UPSTREAM_FAILED",
        "tidy": "SUCCESS",
        "idle": "DISABLED",
    }
    assert run["state"] == "FAILED"
    assert "defect: KeyError: 'key'\n  defect.py, cell 2, line 2\n  > return {}[\"key\"]\n" in done.stdout
    assert "mistake: use_case.yml: chunk size is -1; give a number above 0\n" in done.stdout
    assert "query: AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]" in done.stdout
    assert "\tat " not in done.stdout + done.stderr
    assert "after: upstream failed  defect FAILED" in done.stdout
    assert cells(folder, "defect")[1]["outputs"][0]["ename"] == "KeyError"
    assert len(done.stdout.splitlines()) < 45
    shown = localbundle("runs", str(run["run_id"])).stdout
    assert "✗ failed" in shown
    assert 'return {}["key"]' in shown


def test_retries_timeouts_and_a_killed_kernel(localbundle, tiny) -> None:
    (tiny / "tried").unlink(missing_ok=True)
    done = localbundle("run", "again")
    assert done.returncode == 1
    _, run = record(tiny, done.stdout)
    tasks = run["tasks"]
    assert (tasks["flaky"]["state"], tasks["flaky"]["attempts"]) == ("SUCCESS", 2)
    assert (tasks["slow"]["state"], tasks["slow"]["attempts"]) == ("TIMEDOUT", 1)
    assert tasks["killed"]["state"] == "FAILED"
    assert "the kernel of killed died" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "flwo"], "job flwo is not in the bundle; did you mean flow?"),
        (["run", "flow", "--params", "landin=x"], "job flow has no parameter landin; did you mean landing?"),
        (["run", "flow", "-t", "dve"], "target dve is not defined; did you mean dev?"),
        (["run", "flow", "--params", "landing"], "--params landing: is not NAME=VALUE"),
        (["run", "flow", "--params", "landing=gone"], "landing folder gone does not exist; create it"),
        (["runs", "999"], "run 999 does not exist"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(localbundle, arguments, message) -> None:
    done = localbundle(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_ps_validate_and_jobs(localbundle) -> None:
    assert "kept until `localbundle down`" in " ".join(localbundle("ps").stdout.split())
    assert "ingest → has_work → embed → nothing" in " ".join(localbundle("jobs").stdout.split())
    resolved = json.loads(localbundle("validate", "-o", "json").stdout)
    assert resolved["resources"]["jobs"]["flow"]["name"] == f"[dev {SCHEMA.split('_')[1]}] flow"


def started(command: list[str], tiny: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    run = subprocess.Popen(command, cwd=tiny, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    asleep: list[psutil.Process] = []

    def sleeps() -> bool:
        with suppress(psutil.NoSuchProcess):  # one of them ended meanwhile
            family = psutil.Process(run.pid).children(recursive=True)
            if any(process.name() == "sleep" for process in family):
                asleep[:] = family
        return bool(asleep)

    assert eventually(sleeps)
    return run, asleep


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_is_canceled_and_leaves_nothing(localbundle, command, tiny, number) -> None:
    run, family = started([command, "run", "sleeper"], tiny)
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert record(tiny, output)[1]["tasks"]["sleep"]["state"] == "CANCELED"
    assert gone(family)
    assert Server(tiny / ".localbundle/dev").state() is not None


def test_a_killed_run_leaves_nothing_and_is_reported_as_interrupted(localbundle, command, tiny) -> None:
    run, family = started([command, "run", "sleeper"], tiny)
    run.kill()
    run.communicate()
    assert eventually(lambda: gone(family))
    assert "✗ interrupted" in localbundle("runs").stdout.splitlines()[1]


def test_a_second_run_names_the_first(localbundle, command, tiny) -> None:
    run, _ = started([command, "run", "sleeper"], tiny)
    try:
        second = localbundle("run", "sleeper")
        assert second.returncode == 2
        assert re.search(r"job sleeper is already running \(run \d+ of \S+ since .*pid \d+\)", second.stderr)
        assert "sleeper" in localbundle("ps").stdout
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate()
