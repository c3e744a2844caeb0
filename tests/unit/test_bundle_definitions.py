"""The bundle's resources are valid in the real format, and follow the rules of this bundle."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.apps import App
from databricks.bundles.experiments import MlflowExperiment
from databricks.bundles.jobs import Job
from databricks.bundles.schemas import Schema
from databricks.bundles.secret_scopes import SecretScope
from databricks.bundles.volumes import Volume

from ragops.jobs.refresh import PublishParameters
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[2]
KINDS = {
    "apps": App,
    "experiments": MlflowExperiment,
    "jobs": Job,
    "schemas": Schema,
    "secret_scopes": SecretScope,
    "volumes": Volume,
}
# Fields of classic compute, which a workspace refuses together with an environment.
CLUSTER_FIELDS = {"job_cluster_key", "new_cluster", "existing_cluster_id", "libraries"}


def resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in sorted((ROOT / "resources").glob("*.yml")):
        for kind, named in yaml.safe_load(file.read_text())["resources"].items():
            for key, resource in named.items():
                yield kind, key, resource


JOBS = [pytest.param(job, id=key) for kind, key, job in resources() if kind == "jobs"]
TASKS = [
    pytest.param(task, id=f"{key}-{task['task_key']}")
    for kind, key, job in resources()
    if kind == "jobs"
    for task in job["tasks"]
]
SLA = load_usecase(ROOT / "usecase.yml").sla


def job_called(name: str) -> dict[str, Any]:
    return next(job for kind, key, job in resources() if (kind, key) == ("jobs", name))


@pytest.mark.parametrize(
    ("kind", "key", "resource"), resources(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_resource_is_valid(kind: str, key: str, resource: dict[str, Any]) -> None:
    KINDS[kind].from_dict(resource)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="tusks"):
        Job.from_dict({"name": "x", "tusks": []})


@pytest.mark.parametrize("file", sorted((ROOT / "resources").glob("*.yml")), ids=lambda file: file.name)
def test_a_files_name_contains_its_resource_type(file: Path) -> None:
    (kind,) = yaml.safe_load(file.read_text())["resources"]
    assert file.name.split(".")[1].rstrip("s") == kind.rstrip("s")


def test_the_app_finds_its_packages_and_the_library_in_its_source() -> None:
    (app,) = (resource for kind, _, resource in resources() if kind == "apps")
    source = (ROOT / "resources" / app["source_code_path"]).resolve()
    lines = (source / "requirements.txt").read_text().splitlines()
    (line,) = (one for one in lines if not one.startswith("#"))
    assert (source / line.removeprefix("-r ")).is_file()
    (path,) = (one["value"] for one in app["config"]["env"] if one["name"] == "PYTHONPATH")
    assert (source / path / "ragops" / "cli" / "app.py").is_file()
    left_out = yaml.safe_load((ROOT / "databricks.yml").read_text())["sync"]["exclude"]
    assert not {f"{path}/**", f"{path}/ragops/**"} & set(left_out)


def test_no_two_resources_share_a_key() -> None:
    """The real CLI refuses duplicate keys even for different types."""
    keys = [key for _, key, _ in resources()]
    assert sorted(set(keys)) == sorted(keys)


def test_variables_are_declared_once_and_used() -> None:
    text = (ROOT / "databricks.yml").read_text()
    declared = yaml.safe_load(text)["variables"]
    files = [*(ROOT / "resources").glob("*.yml"), *(ROOT / "environments").glob("*.yml")]
    text += "".join(file.read_text() for file in files)
    assert {name for name in declared if not re.search(rf"\$\{{var\.{name}[.}}]", text)} == set()
    assert all(variable["description"] for variable in declared.values())


def test_the_cost_owner_is_on_everything_that_can_be_tagged() -> None:
    presets = yaml.safe_load((ROOT / "databricks.yml").read_text())["presets"]
    assert presets["tags"] == {"cost_owner": "${var.cost_owner}"}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_timeouts_and_notifications(job: dict[str, Any]) -> None:
    assert job["max_concurrent_runs"] == 1
    assert 0 < job["timeout_seconds"] <= 4 * 3600
    (rule,) = job["health"]["rules"]
    assert (rule["metric"], rule["op"]) == ("RUN_DURATION_SECONDS", "GREATER_THAN")
    assert rule["value"] < job["timeout_seconds"]
    emails = "${var.alert_emails}"
    assert job["email_notifications"] == {"on_failure": emails, "on_duration_warning_threshold_exceeded": emails}


@pytest.mark.parametrize("job", JOBS)
def test_only_jobs_without_a_schedule_queue_runs(job: dict[str, Any]) -> None:
    assert job["queue"] == {"enabled": "schedule" not in job}


@pytest.mark.parametrize("job", JOBS)
def test_skipped_runs_send_no_alerts(job: dict[str, Any]) -> None:
    """Databricks counts them as failures by default."""
    expected = None if job["queue"]["enabled"] else {"no_alert_for_skipped_runs": True}
    assert job.get("notification_settings") == expected


@pytest.mark.parametrize("task", TASKS)
def test_serverless_compute_does_not_retry_tasks_without_retries(task: dict[str, Any]) -> None:
    """It may retry by itself, and a second `log` or `promote` would create a second version."""
    never = "environment_key" in task and task["max_retries"] == 0
    assert task.get("disable_auto_optimization", False) == never


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_retries_and_a_timeout(task: dict[str, Any]) -> None:
    assert "max_retries" in task
    if "notebook_task" in task:
        assert task["timeout_seconds"] > 0
        assert task["max_retries"] == 0 or task["min_retry_interval_millis"] > 0


@pytest.mark.parametrize("task", TASKS)
def test_a_notebook_runs_on_a_cluster_or_in_an_environment(task: dict[str, Any]) -> None:
    if "notebook_task" in task:
        assert ("environment_key" in task) != bool(CLUSTER_FIELDS & task.keys())
    else:
        assert not (CLUSTER_FIELDS | {"environment_key"}) & task.keys()


@pytest.mark.parametrize("job", JOBS)
def test_job_parameters_refer_to_resources_instead_of_repeating_names(job: dict[str, Any]) -> None:
    defaults = {parameter["name"]: parameter["default"] for parameter in job["parameters"]}
    for name in defaults.keys() & {"catalog", "schema", "landing"}:
        literal = re.sub(r"\$\{resources\.[\w.]+\}", "", defaults[name])
        assert literal in ("", "/Volumes///"), name


def test_health_rules_and_the_schedule_match_the_use_case() -> None:
    refresh, smoke = job_called("refresh"), job_called("smoke")
    assert refresh["health"]["rules"][0]["value"] == SLA.refresh_minutes * 60
    assert smoke["health"]["rules"][0]["value"] == 2 * SLA.refresh_minutes * 60
    every = re.fullmatch(r"0 0/(\d+) \* \* \* \?", refresh["schedule"]["quartz_cron_expression"])
    assert every and int(every[1]) + SLA.refresh_minutes <= SLA.freshness_minutes


def test_the_embed_task_has_one_gpu_for_each_spark_task() -> None:
    cluster = job_called("refresh")["job_clusters"][0]["new_cluster"]
    assert cluster["spark_conf"]["spark.task.resource.gpu.amount"] == "1"
    assert cluster["spark_version"] == "${var.gpu_runtime}"
    assert cluster["num_workers"] == "${var.gpu_workers}"
    assert cluster["driver_node_type_id"] == "${var.gpu_driver_type}"  # more GPUs would be idle there


def test_the_publishing_run_is_known_to_runs_that_wait_for_the_index() -> None:
    (publish,) = (task for task in job_called("refresh")["tasks"] if task["task_key"] == "publish")
    given = publish["notebook_task"]["base_parameters"]
    assert given == {"run_id": "{{job.run_id}}", "started": "{{job.start_time.timestamp_ms}}"}
    assert given.keys() < PublishParameters.names().keys()


def test_the_smoke_job_uses_a_separate_schema() -> None:
    job = job_called("smoke")
    # All schemas share the files of the models, which are only read.
    own = "\n".join(parameter["default"] for parameter in job["parameters"] if parameter["name"] != "models")
    assert not re.findall(r"resources\.(?:schemas|volumes)\.(?!smoke)\w+", own)
    refreshes = [task["run_job_task"] for task in job["tasks"] if "run_job_task" in task]
    assert refreshes
    # Passed by name; only here all deletions are allowed.
    declared = {parameter["name"] for parameter in job_called("smoke_refresh")["parameters"]}
    for refresh in refreshes:
        assert refresh["job_id"] == "${resources.jobs.smoke_refresh.id}"
        assert refresh["job_parameters"].keys() == declared
        for name in declared - {"allow_deletes"}:
            assert refresh["job_parameters"][name] == f"{{{{job.parameters.{name}}}}}"


def test_the_smoke_refresh_equals_the_users_refresh_but_is_a_separate_job() -> None:
    own, users = job_called("smoke_refresh"), job_called("refresh")
    assert {name for name in users if own.get(name) != users[name]} == {
        *("name", "description", "schedule", "queue", "notification_settings", "timeout_seconds", "parameters"),
    }
    names = [[parameter["name"] for parameter in job["parameters"]] for job in (own, users)]
    assert names[0] == names[1]


def test_no_task_installs_a_model() -> None:
    """On laptops they are packages, which may need torch or a compiler; jobs read them from a volume."""
    models = re.compile("minilm|smollm", re.IGNORECASE)
    files = [*(ROOT / "resources").glob("*.yml"), *(ROOT / "environments" / "requirements").glob("*/*.txt")]
    assert [file.name for file in files if models.search(file.read_text())] == []
    for job in (job for kind, _, job in resources() if kind == "jobs"):
        if any("notebook_task" in task for task in job["tasks"]) and job["name"] != "${bundle.name}-collect-calls":
            assert "models" in {parameter["name"] for parameter in job["parameters"]}
