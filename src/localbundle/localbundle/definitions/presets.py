"""What a target does to all resources: names, tags, schedules, compute, identity (databricks/cli, resourcemutator)."""

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.local_values import normalized_name
from localbundle.definitions.yamlfile import error_at, located_like
from localbundle.errors import BundleError, Report

# The field that is prefixed, by kind. Names of Databricks' own identifiers take the prefix as an identifier.
_TITLES = {
    "jobs": "name", "pipelines": "name", "experiments": "name", "models": "name", "clusters": "cluster_name",
    "instance_pools": "instance_pool_name", "dashboards": "display_name", "genie_spaces": "title",
    "alerts": "display_name", "sql_warehouses": "name",
}  # fmt: skip
_IDENTIFIERS = {"schemas": "name", "registered_models": "name", "model_serving_endpoints": "name"}
PREFIXED_FIELDS = {**_TITLES, **_IDENTIFIERS}
_TRIGGERS = ("schedule", "trigger", "continuous")
_DEVELOPMENT_CONCURRENCY = 4
MODES = ("development", "production")
UNTITLED = "Untitled"


def target_presets(config: Mapping[str, Any]) -> dict[str, Any]:
    """The target's presets, with what development mode adds."""
    presets = dict(config.get("presets") or {})
    if config["bundle"].get("mode") != "development":
        return presets
    short = config["workspace"]["current_user"]["short_name"]
    presets["name_prefix"] = presets.get("name_prefix") or f"[dev {short}] "
    presets["tags"] = {**(presets.get("tags") or {})}
    presets["tags"].setdefault("dev", short)
    presets["jobs_max_concurrent_runs"] = presets.get("jobs_max_concurrent_runs") or _DEVELOPMENT_CONCURRENCY
    presets["trigger_pause_status"] = presets.get("trigger_pause_status") or "PAUSED"
    if presets.get("pipelines_development") is not False:
        presets["pipelines_development"] = True
    return presets


class TargetChanges:
    """Applies a target to resources. They have their references to variables resolved."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config, self._presets = config, config.get("presets") or {}
        self._tags = dict(sorted((self._presets.get("tags") or {}).items()))
        self._prefix = self._presets.get("name_prefix") or ""

    def applied(self, resources: Mapping[str, Any]) -> dict[str, Any]:
        """The resources as a deployment creates them, without permissions."""
        return {
            kind: {key: self._resource(kind, value) for key, value in (entries or {}).items()}
            for kind, entries in resources.items()
        }

    def _resource(self, kind: str, resource: Any) -> Any:  # noqa: ANN401 - YAML is any shape
        if not isinstance(resource, dict):
            return resource
        resource = self._with_run_as(kind, dict(resource))
        if kind == "jobs":
            resource = self._with_compute(resource)
        resource = self._prefixed(kind, self._tagged(kind, resource))
        steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "jobs": self._job, "pipelines": self._pipeline, "alerts": self._alert, "quality_monitors": self._monitor,
        }  # fmt: skip
        return with_defaults(kind, steps.get(kind, dict)(resource), self._config)

    def _with_run_as(self, kind: str, resource: dict[str, Any]) -> dict[str, Any]:
        run_as = self._config.get("run_as")
        if run_as and kind in ("jobs", "pipelines", "alerts") and not resource.get("run_as"):
            resource["run_as"] = {name: value for name, value in run_as.items() if value}
        return resource

    def _with_compute(self, job: dict[str, Any]) -> dict[str, Any]:
        """Development may run all tasks on one cluster: the target's, or the one of DATABRICKS_CLUSTER_ID."""
        bundle = self._config["bundle"]
        cluster = bundle.get("cluster_id")
        if bundle.get("mode") == "development":
            cluster = os.environ.get("DATABRICKS_CLUSTER_ID") or cluster
        if cluster and isinstance(job.get("tasks"), list):
            job["tasks"] = [_on_cluster(task, cluster) for task in job["tasks"]]
        return job

    def _tagged(self, kind: str, resource: dict[str, Any]) -> dict[str, Any]:
        field = {"jobs": "tags", "pipelines": "tags", "clusters": "custom_tags", "instance_pools": "custom_tags"}
        if not self._tags:
            return resource
        if kind in field:
            own = resource.get(field[kind]) or {}
            resource[field[kind]] = {**self._tags, **{name: value for name, value in own.items() if value != ""}}
        elif kind in ("models", "experiments"):
            resource["tags"] = _with_pairs(resource.get("tags") or [], self._tags)
        elif kind == "sql_warehouses":
            tags = resource.get("tags") or {}
            resource["tags"] = {**tags, "custom_tags": _with_pairs(tags.get("custom_tags") or [], self._tags)}
        return resource

    def _prefixed(self, kind: str, resource: dict[str, Any]) -> dict[str, Any]:
        field = PREFIXED_FIELDS.get(kind)
        is_skipped = kind == "schemas" and (self._config.get("experimental") or {}).get("skip_name_prefix_for_schema")
        if not field or not self._prefix or is_skipped:
            return resource
        name = resource.get(field) or ""
        resource[field] = located_like(name, _name_with_prefix(kind, str(name), self._prefix))
        return resource

    def _job(self, job: dict[str, Any]) -> dict[str, Any]:
        limit, status = self._presets.get("jobs_max_concurrent_runs"), self._presets.get("trigger_pause_status")
        if limit and not job.get("max_concurrent_runs"):
            job["max_concurrent_runs"] = limit
        if status:
            for trigger in _TRIGGERS:
                job = _with_status(job, trigger, status)
        return job

    def _pipeline(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        if self._presets.get("pipelines_development"):
            pipeline["development"] = True
        if self._presets.get("trigger_pause_status") == "PAUSED" and pipeline.get("continuous"):
            pipeline["continuous"] = False
        return pipeline

    def _alert(self, alert: dict[str, Any]) -> dict[str, Any]:
        status = self._presets.get("trigger_pause_status")
        schedule = alert.get("schedule")
        has_time = isinstance(schedule, dict) and schedule.get("quartz_cron_schedule")
        return _with_status(alert, "schedule", status) if status and has_time else alert

    def _monitor(self, monitor: dict[str, Any]) -> dict[str, Any]:
        """Monitors cannot be paused: a paused target removes their schedules."""
        schedule = monitor.get("schedule")
        is_paused = self._presets.get("trigger_pause_status") == "PAUSED"
        if is_paused and isinstance(schedule, dict) and schedule.get("pause_status") != "UNPAUSED":
            monitor.pop("schedule")
        return monitor


def with_defaults(kind: str, resource: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The resource with the values that a deployment gives to fields that are not set."""
    folder = config["workspace"].get("resource_path")
    defaults: dict[str, dict[str, Any]] = {
        "jobs": {"name": UNTITLED, "max_concurrent_runs": 1, "queue": {"enabled": True}},
        "pipelines": {"edition": "ADVANCED", "channel": "CURRENT"},
        "dashboards": {"parent_path": folder, "embed_credentials": False},
        "genie_spaces": {"parent_path": folder},
        "alerts": {"parent_path": folder},
        "volumes": {"volume_type": "MANAGED"},
        "sql_warehouses": {"auto_stop_mins": 120, "enable_photon": True, "max_num_clusters": 1,
                           "spot_instance_policy": "COST_OPTIMIZED"},
        "apps": {"description": ""},
        "clusters": {"autotermination_minutes": 60},
    }  # fmt: skip
    resource = {**resource, **{name: v for name, v in defaults.get(kind, {}).items() if name not in resource}}
    if kind == "jobs":
        for trigger in _TRIGGERS:
            resource = _with_status(resource, trigger, "UNPAUSED")
    return resource


def mode_errors(config: Mapping[str, Any], has_root_path: bool, root: Path) -> Iterator[BundleError]:
    """What the target's mode forbids. `has_root_path`: whether the target itself sets workspace.root_path."""
    mode, presets = config["bundle"].get("mode"), config.get("presets") or {}
    user = config["workspace"]["current_user"]
    if mode is not None and mode not in MODES:
        yield error_at(mode, root, f"target mode {mode} is unknown; use {' or '.join(MODES)}")
    if mode == "development":
        status, prefix = presets.get("trigger_pause_status"), presets.get("name_prefix", "")
        if status == "UNPAUSED":
            yield error_at(status, root, "mode development cannot have trigger_pause_status UNPAUSED; remove it")
        if prefix and not any(user[name] in prefix for name in ("userName", "short_name", "domain_friendly_name")):
            fix = "add ${workspace.current_user.short_name} to it, so that two users' resources do not collide"
            yield error_at(prefix, root, f"name_prefix {prefix!r} does not contain the user's name; {fix}")
        yield from _shared_paths(config["workspace"], user, root)
    if mode == "production" and not has_root_path:
        is_run_as = all((job or {}).get("run_as") for job in (config["resources"].get("jobs") or {}).values())
        if not is_run_as:
            fix = "set workspace.root_path in it, so that only one copy is deployed"
            yield error_at(mode, root, f"a target with mode production has no root_path of its own; {fix}")
    pipelines = (config["resources"].get("pipelines") or {}).values()
    if mode == "production" and any((entry or {}).get("development") for entry in pipelines):
        yield error_at(mode, root, "mode production cannot have a pipeline with development: true; remove that")


def _shared_paths(workspace: Mapping[str, Any], user: Mapping[str, str], root: Path) -> Iterator[BundleError]:
    for name in ("root_path", "resource_path", "artifact_path", "state_path"):
        path = workspace[name]
        if user["userName"] not in path and user["short_name"] not in path:
            message = f"{name} {path} is not of one user, which mode development needs; begin it with ~/"
            yield error_at(path, root, message)
            return


def pause_errors(presets: Mapping[str, Any], root: Path, report: Report) -> None:
    """Reports a pause status other than the two that exist."""
    status = presets.get("trigger_pause_status")
    if status not in (None, "", "PAUSED", "UNPAUSED"):
        report(error_at(status, root, f"trigger_pause_status {status} is unknown; use PAUSED or UNPAUSED"))


def _name_with_prefix(kind: str, name: str, prefix: str) -> str:
    if kind in _IDENTIFIERS:
        trimmed = prefix.replace("[", "").strip(" ")
        return f"{normalized_name(trimmed)}{'_' * trimmed.endswith(']')}{name}"
    if kind == "experiments":  # a workspace path, whose last part is prefixed
        folder, last = posixpath.split(name)
        return f"{folder.rstrip('/')}/{prefix}{last}" if folder else f"{prefix}{last}"
    return f"{prefix}{name}"


def _with_status(resource: dict[str, Any], trigger: str, status: str) -> dict[str, Any]:
    if isinstance(resource.get(trigger), dict) and not resource[trigger].get("pause_status"):
        return {**resource, trigger: {**resource[trigger], "pause_status": status}}
    return resource


def _with_pairs(own: list[Any], tags: Mapping[str, str]) -> list[Any]:
    names = [pair.get("key") for pair in own if isinstance(pair, dict)]
    return [*own, *({"key": key, "value": value} for key, value in tags.items() if key not in names)]


def _on_cluster(task: Any, cluster: str) -> Any:  # noqa: ANN401
    if not isinstance(task, dict):
        return task
    each = task.get("for_each_task")
    if isinstance(each, dict):
        return {**task, "for_each_task": {**each, "task": _on_cluster(each.get("task"), cluster)}}
    replaced = ("new_cluster", "existing_cluster_id", "environment_key", "job_cluster_key")
    if not any(task.get(name) for name in replaced):
        return task
    return {**{name: value for name, value in task.items() if name not in replaced}, "existing_cluster_id": cluster}
