"""Every rule on a deliberately wrong bundle with its golden file, and right bundles that must have no findings."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from localbundle.cli import app
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.files import SHARED_KEY
from localbundle.definitions.python_resources import PYTHON_RESOURCES
from localbundle.definitions.read_job import RULES as REFUSALS
from localbundle.definitions.references import WRONG_REFERENCE
from localbundle.errors import BundleError
from localbundle.lint.check import BUNDLE_RULES, JOB_RULES, NOTES, WARNINGS, Finding, lint, rule_id
from localbundle.workspace.resources import check_resources

HERE = Path(__file__).parent
WRONG = sorted(path for path in (HERE / "wrong").iterdir() if path.is_dir())
RIGHT = sorted(path for path in (HERE / "right").iterdir() if path.is_dir())
OWN = {*REFUSALS, *WARNINGS, *NOTES, WRONG_REFERENCE, SHARED_KEY, PYTHON_RESOURCES}
RULES = {rule_id(rule) for rule in (*BUNDLE_RULES, *JOB_RULES)} | OWN


@dataclass(frozen=True)
class Done:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def validate(capsys):
    """Runs `localbundle validate`; click's own runner tells stderr from stdout from version 8.2 only."""

    def run(*words: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            app(["validate", *words])
        return Done(ended.value.code or 0, *capsys.readouterr())

    return run


def findings(root: Path, target: str | None = None) -> list[Finding]:
    return lint(load_bundle(root, target), check_resources)


@pytest.mark.parametrize("folder", WRONG, ids=lambda folder: folder.name)
def test_a_wrong_bundle_has_the_findings_of_its_golden_file(folder, tmp_path, monkeypatch, validate) -> None:
    root = shutil.copytree(folder, tmp_path / "bundle")
    monkeypatch.chdir(root)
    done = validate()
    expected = (folder / "expected.txt").read_text()
    # A bundle with only notes passes: it is printed and written after them.
    passes = "finding" not in expected.splitlines()[-1]
    assert done.stdout.startswith(expected) if passes else done.stdout == expected
    assert (done.exit_code, done.stderr) == (0 if passes else 2, "")
    assert (root / ".localbundle").exists() == passes


@pytest.mark.parametrize("folder", WRONG, ids=lambda folder: folder.name)
def test_a_wrong_bundle_breaks_only_its_own_rule_and_each_finding_has_a_location(folder) -> None:
    *lines, last = (folder / "expected.txt").read_text().splitlines()
    # What a wrong reference leaves unresolved is skipped, and the rest is checked.
    also = {"[missing-file]"} if folder.name == "wrong-reference" else set()
    assert {line.rsplit(" ", 1)[1] for line in lines} == {f"[{folder.name}]"} | also
    assert sum(int(count) for count in re.findall(r"\d+", last)) == len(lines)
    assert all(re.match(r"\S+:\d+: ", line) for line in lines)


def test_every_rule_has_its_wrong_bundle() -> None:
    assert {folder.name for folder in WRONG} == RULES


@pytest.mark.parametrize("folder", RIGHT, ids=lambda folder: folder.name)
def test_a_right_bundle_has_no_findings(folder) -> None:
    assert findings(folder) == []


def test_with_json_the_findings_are_on_stderr(monkeypatch, validate) -> None:
    folder = HERE / "wrong" / "undeclared-parameter"
    monkeypatch.chdir(folder)
    done = validate("-o", "json")
    assert done.exit_code == 2
    assert done.stderr == (folder / "expected.txt").read_text()
    assert json.loads(done.stdout)["bundle"]["name"] == "tiny"


def test_without_findings_the_bundle_is_shown_and_written(write, monkeypatch, validate) -> None:
    root = write(root="bundle: {name: tiny}")
    monkeypatch.chdir(root)
    done = validate()
    assert done.exit_code == 0
    assert done.stdout.startswith("bundle tiny, target default")
    assert done.stdout.endswith("no findings\n")
    assert (root / ".localbundle/default/bundle.json").is_file()


def test_with_json_notes_are_on_stderr_and_the_bundle_passes(write, monkeypatch, validate) -> None:
    job = """
        resources: {jobs: {x: {
          environments: [{environment_key: e, spec: {environment_version: "99"}}],
          tasks: [{task_key: t, environment_key: e, notebook_task: {notebook_path: ../notebooks/n.py}}]}}}
    """
    root = write(
        root="bundle: {name: tiny}\ninclude: [resources/*.yml]", job=job, notebook="# Databricks notebook source\n"
    )
    monkeypatch.chdir(root)
    done = validate("-o", "json")
    assert done.exit_code == 0
    assert "note: environment_version 99 is not in the table" in done.stderr
    assert done.stderr.endswith("1 note\n")
    assert json.loads(done.stdout)["bundle"]["name"] == "tiny"


def test_an_unreadable_bundle_stays_one_error(write) -> None:
    with pytest.raises(BundleError, match="not valid YAML"):
        findings(write(root="bundle: [1"))
    with pytest.raises(BundleError, match="target prd is not defined"):
        findings(write(root="bundle: {name: tiny}\ntargets: {prod: {}}"), "prd")


def test_warnings_pass_unless_strict(write, monkeypatch, validate) -> None:
    monkeypatch.chdir(write(root="bundle: {name: tiny}\nsnyc: {}"))
    done = validate()
    assert done.exit_code == 0
    assert done.stdout.startswith("databricks.yml:2: warning: the bundle has no field snyc; did you mean sync?")
    assert validate("--strict").exit_code == 2


def test_a_rule_is_switched_off_by_name_in_the_bundle(write) -> None:
    bundle = "bundle: {name: tiny}\nvariables: {spare: {default: a}}\nsnyc: {}"
    assert {finding.rule for finding in findings(write(root=bundle))} == {"unused-variable", "unknown-field"}
    off = write(root=bundle, laptop="ignore: [unused-variable, unknown-field]")
    assert findings(off) == []


def test_what_cannot_run_here_is_a_note(write) -> None:
    root = write(root="bundle: {name: tiny}\nresources: {jobs: {x: {tasks: [{task_key: t, dbt_task: {}}]}}}")
    levels = {finding.rule: finding.level for finding in findings(root)}
    assert levels["cannot-run"] == "note"
