"""Lists of a resource that a bundle and its target, or two of its files, both write: items of one name are one item."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.merge import by_key, merge

_GRANTED = (
    "catalogs", "schemas", "external_locations", "secrets", "volumes", "registered_models", "vector_search_indexes",
)  # fmt: skip
_POOLED = ("node_type_id", "driver_node_type_id", "enable_elastic_disk")  # what an instance pool decides


def merge_lists(resources: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The resources with their named items merged: tasks sorted by key, others where they first appear.

    Environments of one key stay two, as in the Databricks CLI.

    Raises:
        BundleError: two items of one name do not fit together.
    """
    both: Callable[[Any, Any], Any] = lambda base, over: merge(base, over, root)  # noqa: E731
    found = {kind: dict(entries or {}) for kind, entries in resources.items()}
    _change(found, "jobs", lambda job: _job(job, both))
    _change(found, "clusters", _cluster)
    _change(found, "pipelines", lambda pipeline: _with(pipeline, "clusters", lambda v: _labelled(v, both)))
    _change(found, "apps", lambda app: _with(app, "resources", lambda v: by_key(v, "name", lambda base, over: over)))
    for kind in _GRANTED:
        _change(found, kind, lambda resource: _with(resource, "grants", lambda v: _grants(v, both)))
    return found


def _change(resources: dict[str, Any], kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    if kind in resources:
        resources[kind] = {key: change(value) for key, value in resources[kind].items() if isinstance(value, dict)}


def _with(resource: dict[str, Any], name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return {**resource, name: change(resource[name])} if isinstance(resource.get(name), list) else resource


def _job(job: dict[str, Any], both: Callable[[Any, Any], Any]) -> dict[str, Any]:
    job = _with(job, "job_clusters", lambda v: [_job_cluster(item) for item in by_key(v, "job_cluster_key", both)])
    job = _with(job, "parameters", lambda v: by_key(v, "name", both))
    return _with(job, "tasks", lambda v: [_task(item) for item in _sorted(by_key(v, "task_key", both))])


def _sorted(tasks: list[Any]) -> list[Any]:
    return sorted(tasks, key=lambda task: str(task.get("task_key", "")) if isinstance(task, dict) else "")


def _task(task: Any) -> Any:  # noqa: ANN401 - YAML is any shape
    is_own = isinstance(task, dict) and isinstance(task.get("new_cluster"), dict)
    return {**task, "new_cluster": _cluster(task["new_cluster"])} if is_own else task


def _job_cluster(entry: Any) -> Any:  # noqa: ANN401
    if not isinstance(entry, dict) or not isinstance(entry.get("new_cluster"), dict):
        return entry
    cluster = _cluster(entry["new_cluster"])
    return {**entry, "new_cluster": cluster if "autoscale" in cluster else {"num_workers": 0, **cluster}}


def _cluster(cluster: dict[str, Any]) -> dict[str, Any]:
    """An instance pool decides the nodes, and only a pool has one for drivers."""
    dropped = _POOLED if cluster.get("instance_pool_id") else ("driver_instance_pool_id",)
    return {name: value for name, value in cluster.items() if name not in dropped}


def _labelled(clusters: Any, both: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401
    named = [{**item, "label": str(item.get("label") or "default").lower()} for item in clusters]
    return by_key(named, "label", both)


def _grants(grants: Any, both: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401
    merged = by_key(grants, "principal", both)
    return [_with(grant, "privileges", lambda v: list(dict.fromkeys(v))) for grant in merged]
