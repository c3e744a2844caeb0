"""Each rule of `bundles/*.yml`, by localbundle and, where it is installed, by the Databricks CLI itself."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from localbundle.cli.app import variables
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import job_errors
from localbundle.errors import BundleError
from localbundle.lint.check import level
from tests.conformance.bundles import BundleCase, read_bundles

CASES = [pytest.param(case, id=case.name) for case in read_bundles()]
# The CLI accepts what its API then refuses; these rules find it before.
OURS_ONLY = re.compile(r"exactly one kind of work|run_if: Input")


@pytest.mark.parametrize("case", CASES)
def test_rule(case: BundleCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write(tmp_path)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    try:
        bundle = load_bundle(tmp_path, None, variables(case.var))
    except BundleError:
        assert case.outcome == "error"
        return
    errors = [*bundle.problems, *(error for key in bundle.jobs for error in job_errors(bundle, key))]
    levels = {level(error.rule) for error in errors if not OURS_ONLY.search(error.message)}
    assert next((name for name in ("error", "warning") if name in levels), "ok") == case.outcome, errors
    user = bundle.config["workspace"]["current_user"]["userName"]
    assert case.differences(bundle.config, user) == []


@pytest.mark.skipif(
    not (shutil.which("databricks") and os.environ.get("DATABRICKS_HOST")),
    reason="needs `databricks` on PATH and DATABRICKS_HOST with a way to log in",
)
@pytest.mark.parametrize("case", CASES)
def test_the_cli_follows_it(case: BundleCase, tmp_path: Path) -> None:
    case.write(tmp_path)
    options = [word for value in case.var for word in ("--var", value)]
    done = subprocess.run(
        ["databricks", "bundle", "validate", "-o", "json", *options],
        cwd=tmp_path, env={**os.environ, **case.environment}, capture_output=True, text=True,
    )  # fmt: skip
    outcome = "error" if done.returncode else "warning" if "Warning:" in done.stderr else "ok"
    assert outcome == case.outcome, done.stderr
    if outcome != "error":
        found = json.loads(done.stdout)
        user = found["workspace"]["current_user"]
        text = json.dumps(found).replace(user["userName"], user["short_name"])
        assert case.differences(json.loads(text), user["short_name"]) == []
