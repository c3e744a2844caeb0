"""What GitHub runs for us: no long-lived secret, least permissions, pinned actions, one deployment a target at once."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted(WORKFLOWS.glob("*.y*ml"))
DEPLOYMENTS = ("staging", "prod")
# Reading the code, asking for a token that lives minutes.
GRANTABLE = {("contents", "read"), ("id-token", "write")}


class _Loader(yaml.SafeLoader):
    """`on` is a word here, where YAML 1.1 reads it as true."""


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


def test_there_is_one_for_each_occasion() -> None:
    assert {file.name for file in FILES} == {"pull_request.yml", "staging.yml", "prod.yml"}
    assert read("pull_request")["on"] == {"pull_request": {"branches": ["main"]}}
    assert read("staging")["on"] == {"push": {"branches": ["main"]}}
    assert read("prod")["on"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_secret_and_no_run_of_foreign_code_with_rights(file: Path) -> None:
    text = file.read_text()
    assert set(re.findall(r"secrets\.\w+", text)) <= {"secrets.GITHUB_TOKEN"}
    assert "secrets: inherit" not in text
    for event in ("pull_request_target", "workflow_run", "issue_comment"):
        assert event not in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_granted_to_all_jobs(file: Path) -> None:
    assert read(file.stem)["permissions"] == {}


@pytest.mark.parametrize("job", jobs())
def test_a_job_has_only_what_it_needs(job: dict[str, Any]) -> None:
    granted = set(job["permissions"].items())
    assert granted <= GRANTABLE
    checks_out = any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"])
    assert (("contents", "read") in granted) == checks_out
    assert job["timeout-minutes"] <= 150


@pytest.mark.parametrize("job", jobs())
def test_who_talks_to_databricks_logs_in_by_federation(job: dict[str, Any]) -> None:
    talks = any("databricks " in text for text in commands(job))
    assert ("id-token" in job["permissions"]) == talks
    if talks:
        assert job["env"]["DATABRICKS_AUTH_TYPE"] == "github-oidc"
        assert job["env"]["DATABRICKS_HOST"] == "${{ vars.DATABRICKS_HOST }}"
        assert job["env"]["DATABRICKS_CLIENT_ID"] == "${{ vars.DATABRICKS_CLIENT_ID }}"
        assert job["env"]["DATABRICKS_TOKEN_AUDIENCE"] == "https://github.com/${{ github.repository_owner }}"
        assert job["environment"]


def test_actions_are_pinned_by_commit_and_named_by_version() -> None:
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
def test_a_checkout_leaves_no_token_behind(job: dict[str, Any]) -> None:
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", jobs())
def test_scripts_take_values_from_their_environment_only(job: dict[str, Any]) -> None:
    """Text put into a script by GitHub is run as code, whoever wrote it."""
    assert not [command for command in commands(job) if "${{" in command]


def test_a_target_is_deployed_by_one_run_at_a_time_and_to_its_end() -> None:
    groups = [read(target)["concurrency"] for target in DEPLOYMENTS]
    assert groups == [{"group": target, "cancel-in-progress": False} for target in DEPLOYMENTS]
    assert read("pull_request")["concurrency"]["group"] not in DEPLOYMENTS


@pytest.mark.parametrize("target", DEPLOYMENTS)
def test_what_is_deployed_is_tried(target: str) -> None:
    (job,) = read(target)["jobs"].values()
    assert job["environment"] == target
    steps = ("deploy", "run upload_models", "run smoke")
    assert commands(job)[-3:] == [f"databricks bundle {step} -t {target}" for step in steps]


@pytest.mark.parametrize("target", DEPLOYMENTS)
def test_what_is_deployed_is_validated_and_its_plan_is_in_the_summary(target: str) -> None:
    """The plan reads permissions and secret ACLs, which takes the rights of the deployer."""
    (job,) = read(target)["jobs"].values()
    validate, plan = commands(job)[-5:-3]
    assert validate == f"databricks bundle validate --strict -t {target}"
    assert f"databricks bundle plan -t {target};" in plan and plan.strip().endswith('| tee -a "$GITHUB_STEP_SUMMARY"')
    (step,) = (step for step in job["steps"] if step.get("run") == plan)
    assert step["shell"] == "bash"  # with pipefail, which GitHub's default has not


def test_only_a_tag_on_main_reaches_prod() -> None:
    (job,) = read("prod")["jobs"].values()
    assert commands(job)[0] == "git merge-base --is-ancestor HEAD origin/main"
    assert job["steps"][0]["with"]["fetch-depth"] == 0


def test_a_pull_request_is_tested_and_nobody_logs_in() -> None:
    """What it brings is run before anyone has looked at it, and a plan would need rights on everything."""
    (job,) = read("pull_request")["jobs"].values()
    tested = "\n".join(commands(job))
    assert all(command in tested for command in ("make lint", "make test", "localbundle validate"))
    assert any(step.get("uses", "").startswith("databricks/setup-cli@") for step in job["steps"])
    assert job["permissions"] == {"contents": "read"} and "environment" not in job
