"""The workflows: no long-lived secrets, least permissions, pinned actions, one deployment per target at a time."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
FILES = sorted(WORKFLOWS.glob("*.y*ml"))
DEPLOYMENTS = ("staging", "prod")
# Reading the code, and requesting a token that is valid for minutes.
GRANTABLE = {("contents", "read"), ("id-token", "write")}


class _Loader(yaml.SafeLoader):
    """YAML without the YAML 1.1 rule that reads the key `on` as true."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first not in "oO"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(name: str) -> dict[str, Any]:
    return yaml.load((WORKFLOWS / f"{name}.yml").read_text(), _Loader)


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{file.stem}-{name}") for file in FILES for name, job in read(file.stem)["jobs"].items()
    ]


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_workflows_run_on_pull_requests_merges_and_tags() -> None:
    assert {file.name for file in FILES} == {"pull_request.yml", "staging.yml", "prod.yml"}
    assert read("pull_request")["on"] == {"pull_request": {"branches": ["main"]}}
    assert read("staging")["on"] == {"push": {"branches": ["main"]}}
    assert read("prod")["on"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_workflow_uses_a_secret_or_runs_a_pull_request_with_permissions(file: Path) -> None:
    text = file.read_text()
    assert set(re.findall(r"secrets\.\w+", text)) <= {"secrets.GITHUB_TOKEN"}
    assert "secrets: inherit" not in text
    for event in ("pull_request_target", "workflow_run", "issue_comment"):
        assert event not in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_permission_is_granted_to_all_jobs(file: Path) -> None:
    assert read(file.stem)["permissions"] == {}


@pytest.mark.parametrize("job", jobs())
def test_a_job_has_only_the_permissions_it_needs(job: dict[str, Any]) -> None:
    granted = set(job["permissions"].items())
    assert granted <= GRANTABLE
    checks_out = any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"])
    assert (("contents", "read") in granted) == checks_out
    assert job["timeout-minutes"] <= 150


@pytest.mark.parametrize("job", jobs())
def test_a_job_that_calls_databricks_logs_in_by_federation(job: dict[str, Any]) -> None:
    calls_databricks = any("databricks " in text for text in commands(job))
    assert ("id-token" in job["permissions"]) == calls_databricks
    if calls_databricks:
        assert job["env"]["DATABRICKS_AUTH_TYPE"] == "github-oidc"
        assert job["env"]["DATABRICKS_HOST"] == "${{ vars.DATABRICKS_HOST }}"
        assert job["env"]["DATABRICKS_CLIENT_ID"] == "${{ vars.DATABRICKS_CLIENT_ID }}"
        assert job["env"]["DATABRICKS_TOKEN_AUDIENCE"] == "https://github.com/${{ github.repository_owner }}"
        assert job["environment"]


def test_actions_are_pinned_by_commit_with_their_version_in_a_comment() -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for file in FILES:
        for line in file.read_text().splitlines():
            if "uses:" not in line:
                continue
            match = re.fullmatch(r"\s*-? ?uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert match, f"{file.name}: {line.strip()}"
            pins.setdefault(match[1], set()).add((match[2], match[3]))
    assert pins.keys() >= {"actions/checkout", "databricks/setup-cli"}
    assert all(len(versions) == 1 for versions in pins.values()), pins


@pytest.mark.parametrize("job", jobs())
def test_a_checkout_does_not_keep_its_token(job: dict[str, Any]) -> None:
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", jobs())
def test_scripts_take_values_from_their_environment_only(job: dict[str, Any]) -> None:
    """GitHub pastes expressions into the script: an attacker's text would run as code."""
    assert not [command for command in commands(job) if "${{" in command]


def test_a_target_is_deployed_by_one_run_at_a_time_that_is_never_canceled() -> None:
    groups = [read(target)["concurrency"] for target in DEPLOYMENTS]
    assert groups == [{"group": target, "cancel-in-progress": False} for target in DEPLOYMENTS]
    assert read("pull_request")["concurrency"]["group"] not in DEPLOYMENTS


@pytest.mark.parametrize("target", DEPLOYMENTS)
def test_a_deployment_ends_with_the_smoke_job(target: str) -> None:
    (job,) = read(target)["jobs"].values()
    assert job["environment"] == target
    steps = ("deploy", "run upload_models", "run smoke")
    assert commands(job)[-3:] == [f"databricks bundle {step} -t {target}" for step in steps]


@pytest.mark.parametrize("target", DEPLOYMENTS)
def test_a_deployment_is_validated_first_and_its_plan_is_in_the_summary(target: str) -> None:
    """Here and not in pull requests: the plan reads permissions and secret ACLs, which needs the deployer's rights."""
    (job,) = read(target)["jobs"].values()
    validate, plan = commands(job)[-5:-3]
    assert validate == f"databricks bundle validate --strict -t {target}"
    assert f"databricks bundle plan -t {target};" in plan and plan.strip().endswith('| tee -a "$GITHUB_STEP_SUMMARY"')
    (step,) = (step for step in job["steps"] if step.get("run") == plan)
    assert step["shell"] == "bash"  # with pipefail, unlike GitHub's default


def test_only_a_tag_on_main_reaches_prod() -> None:
    (job,) = read("prod")["jobs"].values()
    assert commands(job)[0] == "git merge-base --is-ancestor HEAD origin/main"
    assert job["steps"][0]["with"]["fetch-depth"] == 0


def test_a_pull_request_is_tested_without_a_login() -> None:
    """Its code runs before anyone has reviewed it."""
    pull_request = read("pull_request")["jobs"]
    checked = commands(pull_request["lint"])
    assert checked[0] == "make lint" and any("localbundle validate" in command for command in checked)
    assert commands(pull_request["test"]) == ["make test"]
    assert any(step.get("uses", "").startswith("databricks/setup-cli@") for step in pull_request["test"]["steps"])
    for job in pull_request.values():
        assert job["permissions"] == {"contents": "read"} and "environment" not in job


def test_each_suite_runs_once_for_a_pull_request() -> None:
    job = read("pull_request")["jobs"]["test"]
    assert job["env"] == {"SUITES": "${{ matrix.suites }}"}
    suites = " ".join(job["strategy"]["matrix"]["suites"]).split()
    known = re.search(r'^all="(.+)"$', (ROOT / ".ci/test").read_text(), re.MULTILINE)
    assert known and sorted(suites) == sorted(known[1].split())


def test_demo_and_unit_tests_run_on_each_system_and_python() -> None:
    job = read("pull_request")["jobs"]["platforms"]
    systems, pythons = job["strategy"]["matrix"]["system"], job["strategy"]["matrix"]["python"]
    assert [system.split("-")[0] for system in systems] == ["ubuntu", "macos"]
    assert int(systems[1].split("-")[1]) >= 14  # arm64 from here on
    with (ROOT / "pyproject.toml").open("rb") as file:
        supported = SpecifierSet(tomllib.load(file)["project"]["requires-python"])
    assert pythons == [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported]
    assert job["env"] == {"PYTHON_VERSION": "${{ matrix.python }}"}
    assert commands(job) == ["make demo", "make unit"]


def test_a_pull_request_audits_the_locks() -> None:
    assert commands(read("pull_request")["jobs"]["audit"]) == ["make audit"]


def test_dependabot_watches_actions_and_both_projects() -> None:
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    watched = {one["package-ecosystem"]: one.get("directories", [one.get("directory")]) for one in config["updates"]}
    assert config["version"] == 2 and watched == {"github-actions": ["/"], "pip": ["/", "/src/localbundle"]}
    for folder in watched["pip"]:
        assert (ROOT / folder.lstrip("/") / "pyproject.toml").is_file()
