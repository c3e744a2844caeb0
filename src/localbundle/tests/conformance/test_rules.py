"""Each rule of `rules/*.yml`, by the command that a user types, on one warm workspace."""

import re
from pathlib import Path

import pytest
from localbundle.cli import app
from localbundle.errors import BundleError
from localbundle.runs.record import RunRecord, list_runs
from localbundle.workspace.catalogs import ALWAYS
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner
from localbundle.workspace.server import Server
from tests.conformance.bundles import read_bundles
from tests.conformance.cases import Case, Run, differences, read_cases
from typer.testing import CliRunner


@pytest.fixture(scope="session")
def home(tmp_path_factory, worker_id):
    """The local workspace that all cases share, and the workers of pytest-xdist too."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "workspace" / "test"
    server, owner = Server(home, catalogs=[*ALWAYS, "ours"]), new_owner()
    with guarded(home, owner):
        server.use(lambda note: None, owner=owner)
        yield home
        server.release()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in read_cases()])
def test_rule(case: Case, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write(tmp_path)
    (tmp_path / ".localbundle").mkdir()
    (tmp_path / ".localbundle" / "test").symlink_to(home)
    monkeypatch.chdir(tmp_path)
    record = None
    for run in case.runs:
        with monkeypatch.context() as patch:
            for name, value in run.environment.items():
                patch.setenv(name, value)
            record = check(run, home, record)


def check(run: Run, home: Path, before: RunRecord | None) -> RunRecord | None:
    what = ["--repair", str(before.run_id)] if run.repair and before else ["job"]
    done = CliRunner().invoke(app, ["run", *what, *run.options])
    if run.error is not None:
        assert isinstance(done.exception, BundleError), done.output
        assert run.error in str(done.exception)
        return before
    ran = re.search(r"run (\d+)[,:].*target test", done.output)
    assert ran, (done.output, done.exception)
    record = next(record for record in list_runs(home) if record.run_id == int(ran[1]))
    assert done.exit_code == (0 if record.state == "SUCCESS" else 1), (done.output, done.exception)
    wrong = differences({"state": run.state} if run.state else {}, {"state": record.state})
    tasks = record.model_dump(mode="json")["tasks"]
    for key, fields in run.tasks.items():
        wrong += [f"{key}.{line}" for line in differences(fields, tasks.get(key) or {})]
    assert not wrong, (wrong, done.output, done.exception)
    assert run.says is None or run.says in done.output, done.output
    return record


def test_there_are_enough_rules_and_each_is_named_once() -> None:
    names = [(case.section, rule) for case in (*read_bundles(), *read_cases()) for rule in case.rules]
    assert len(names) == len(set(names)) >= 300
