"""ragops usecase, over the metrics of a workspace."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import Origin
from ragops.quality.criteria.store import add_rows, record

Ragops = Callable[..., Result]


@pytest.fixture
def ragops(home: Path) -> Ragops:
    """The command in a workspace that has been run once."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["usecase", *words], env={"COLUMNS": "80", "TERM": "dumb"})

    return run


def test_what_is_not_measured_fails_nothing_and_what_fails_does(ragops: Ragops, workspace: Workspace) -> None:
    nothing = ragops()
    assert nothing.exit_code == 0 and " 0 pass, 0 fail, " in nothing.output
    assert all(len(line) <= 80 for line in nothing.output.splitlines())
    origin = Origin("evaluate retrieval", "working copy", "000001-abababab", "0123456789ab")
    record(workspace, [origin.metric("recall_at_5", 0.6, 9), origin.metric("recall_at_10", 0.4, 9)])
    add_rows(workspace, [origin.metric("search_p95_ms", 80.0, 9, (70.0, 95.0))])
    failed = ragops()
    assert failed.exit_code == 1
    assert " 2 pass, 1 fail (recall_at_10), " in failed.output
    states = {one["measure"]: one["state"] for one in json.loads(ragops("--json").output)}
    assert [states[name] for name in ("recall_at_5", "recall_at_10", "search_p95_ms", "feedback_rate")] == [
        "pass", "fail", "pass", "not measured"
    ]  # fmt: skip
