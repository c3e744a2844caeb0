"""The Makefile works with GNU make 3.81, which macOS ships: each recipe line runs in a shell of its own.

Recipes run here with stubs in place of the programs, so that a test sees what a target would start.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):[^\n]*##", TEXT, re.MULTILINE)
SCRIPTS = sorted(path for folder in ("scripts", ".ci") for path in (ROOT / folder).iterdir() if path.is_file())
# Features of GNU make that came after 3.81.
NEWER = (".ONESHELL", ".SHELLFLAGS", ".RECIPEPREFIX", "$(file ", "$(guile ", "$(intcmp ", "$(let ", "::=", "!=", "&:")
# Features of bash that came after 3.2, which macOS ships too.
NEWER_BASH = (r"\bmapfile\b", r"\breadarray\b", r"declare -A", r"\$\{\w+(,,|\^\^|,|\^)\}", r"&>>", r"\bcoproc\b")
STUB = '#!/bin/sh\nprintf "%s\\n" "${0##*/} $*" >> "$CALLS"\n'
Make = Callable[..., list[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs a target where every program is a stub; returns the command lines of those it started."""
    bin_folder, calls = tmp_path / ".venv" / "bin", tmp_path / "calls"
    bin_folder.mkdir(parents=True)
    for name in ("python", "localbundle", "ragops", "ruff", "mypy", "lint-imports", "pre-commit", "uv", "git"):
        (bin_folder / name).write_text(STUB)
        (bin_folder / name).chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for name in ("pyproject.toml", "src/localbundle/pyproject.toml", "environments/requirements/laptop.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "environments/requirements/dev.txt").touch()

    def run(*words: str) -> list[str]:
        environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "CALLS": str(calls), "HOME": str(tmp_path)}
        done = subprocess.run(["make", *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize("feature", NEWER)
def test_no_feature_newer_than_make_3_81(feature: str) -> None:
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    assert feature not in code


@pytest.mark.parametrize("target", TARGETS)
def test_each_recipe_line_is_complete_shell_code_and_leaves_nothing_for_the_next(target: str) -> None:
    """A function, a variable or a folder set on one line is gone on the next."""
    done = subprocess.run(["make", "-n", "-B", target], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], capture_output=True).returncode == 0, line
        assert not re.match(r"\w+\(\)|cd \S+$|export |set |\w+=\S*$", line), line


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_and_run_with_bash_3_2(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
    assert [feature for feature in NEWER_BASH if re.search(feature, text)] == []


def test_every_suite_runs_or_those_that_are_named(make: Make) -> None:
    def suites(*words: str) -> list[str]:
        return [line.split()[3] for line in make("test", *words) if "-m pytest" in line]

    localbundle = "src/localbundle/tests"
    named = suites("SUITES=unit e2e")
    assert named == ["tests/unit", "tests/e2e"]
    later = ["tests/unit", f"{localbundle}/conformance", "tests/integration", "tests/sabotage", "tests/e2e"]
    assert suites()[len(named) :] == later


def test_demo_installs_then_refreshes_searches_and_asks(make: Make) -> None:
    calls = [line for line in make("demo") if not line.startswith("uv --version")]
    (venv,) = [line for line in calls if line.startswith("uv venv")] or [None]
    assert venv is None  # the environment has a Python already
    assert [line.split()[:2] for line in calls[:2]] == [["uv", "pip"], ["uv", "pip"]]
    commands = [" ".join(line.split()[:2]) for line in calls[2:]]
    assert commands == [
        *("localbundle validate", "ragops sample", "localbundle run"),
        *["ragops search"] * 3,
        *["ragops ask"] * 4,
    ]


def test_demo_shows_each_command_as_a_user_would_type_it(make: Make, tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CALLS": str(tmp_path / "calls")}
    done = subprocess.run([tmp_path / "scripts" / "demo"], env=environment, capture_output=True, text=True, check=True)
    shown = re.findall(r"^\x1b\[1m\$ (.+)\x1b\[0m$", done.stdout, re.MULTILINE)
    assert len(shown) == 9 and 'ragops ask "Who painted the Mona Lisa?"' in shown


def test_the_environment_is_built_once(make: Make) -> None:
    first = [line for line in make("lint") if line.startswith("uv pip install")]
    again = [line for line in make("lint") if line.startswith("uv pip install")]
    assert len(first) == len(again) == 3


def test_lint_stops_at_the_first_failure(make: Make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin" / "mypy").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(AssertionError):
        make("lint")
    calls = (tmp_path / "calls").read_text()
    assert "ruff format" in calls and "lint-imports" not in calls


def test_audit_looks_at_every_lock(make: Make, tmp_path: Path) -> None:
    (tmp_path / "environments/requirements/serverless").mkdir()
    (tmp_path / "environments/requirements/serverless/refresh.txt").touch()
    audited = [line.split("--requirement ")[1].split()[0] for line in make("audit") if "pip-audit" in line]
    names = ("laptop", "dev", "vllm-cpu", "serverless/refresh")
    assert audited == [f"environments/requirements/{name}.txt" for name in names]


def test_help_lists_every_target_within_80_columns() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == TARGETS
    assert max(map(len, lines)) <= 80


def test_every_target_is_phony() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)", TEXT, re.MULTILINE)
    assert set(TARGETS) <= set(phony.split())


@pytest.mark.parametrize("code", [0, 2])
def test_the_installation_shows_progress_and_errors_but_no_list_of_packages(tmp_path: Path, code: int) -> None:
    uv = tmp_path / "uv"
    lines = [
        *("Using Python 3.12 environment at: .venv", "Resolved 3 packages in 6ms"),
        *("Downloading spark (1.0GiB)", "Downloading numpy (16.1MiB)", "Downloading small (900.0KiB)"),
        *(
            " Downloaded small",
            " Downloaded numpy",
            " Downloaded spark",
            "   Building spark==4.2",
            "      Built spark==4.2",
        ),
        *(
            "Prepared 3 packages in 1m 2s",
            "Installed 3 packages in 1.2s",
            " - old==1",
            " + numpy==2.4",
            " ~ spark==4.2",
        ),
        "error: Hash mismatch for small",
    ]
    text = "\n".join(lines)
    uv.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\ncat >&2 <<'END'\n{text}\nEND\nexit {code}\n")
    uv.chmod(0o755)
    command = [ROOT / "scripts" / "install", uv, "python", "lock.txt"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.splitlines() == [
        *("  0 of 1040 MiB of large packages downloaded", "  1040 of 1040 MiB of large packages downloaded"),
        *("  Building spark==4.2", "  Built spark==4.2", "  Prepared 3 packages in 1m 2s"),
        *("  Installed 3 packages in 1.2s", "error: Hash mismatch for small"),
    ]
    asked = "pip install --python python --no-deps --require-hashes -r lock.txt"
    assert (tmp_path / "asked").read_text().strip() == asked
