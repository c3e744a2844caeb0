"""What each task of a job installs: its serverless environment's dependencies, or its cluster's libraries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.yamlfile import error_at, located_like
from localbundle.lint.rule import JobContext, Step


@dataclass(frozen=True)
class Place:
    """Where tasks of a job run together: a serverless environment, or a cluster.

    Attributes:
        name: for example "environment default".
        tasks: the keys of its tasks.
        written: the lines that it installs, as in the bundle.
    """

    name: str
    tasks: tuple[str, ...]
    written: tuple[str, ...]


def places_of(bundle: Bundle, job: Job, kinds: Sequence[str]) -> list[Place]:
    """The places of the job's tasks of these kinds, without those that install nothing.

    Raises:
        BundleError: the file of a base environment does not exist.
    """
    context = JobContext(bundle, job.key, bundle.jobs[job.key])
    chosen = {task.task_key for task in job.tasks if task.work.kind in kinds}
    entries = context.raw.get("environments") or []
    specs = zip(entries, context.environments, strict=True)
    environments = {str(entry.get("environment_key")): spec for entry, spec in specs}
    for key in {str(_work(task).get("environment_key")) for task in context.tasks if task.key in chosen}:
        _check_base(context, environments.get(key) or {})
    found: dict[str, dict[str, list[str]]] = {}
    for task in context.tasks:
        if task.key in chosen:
            name, lines = _place(_work(task), environments)
            found.setdefault(name, {})[task.key] = lines
    places = (
        Place(name, tuple(tasks), tuple(dict.fromkeys(line for lines in tasks.values() for line in lines)))
        for name, tasks in found.items()
    )
    return [place for place in places if place.written]


def _work(task: Step) -> Mapping[str, Any]:
    """The task that does the work: the nested one of a for-each task, else this one."""
    work: Mapping[str, Any] = task.work("for_each_task").get("task") or task.raw
    return work


def _check_base(context: JobContext, spec: Mapping[str, Any]) -> None:
    file = context.base_environment(spec)
    if file and not file.is_file():
        where, root = file.relative_to(context.bundle.root), context.bundle.root
        message = f"base environment {where} does not exist; create it or correct the path"
        raise error_at(spec["base_environment"], root, message, context.key, "missing-requirements")


def _place(task: Mapping[str, Any], environments: Mapping[str, Mapping[str, Any]]) -> tuple[str, list[str]]:
    """A place's name, and what this task adds to what it installs: libraries stay on a cluster once they are there."""
    key = str(task.get("environment_key"))
    if key in environments:
        lines = environments[key].get("dependencies") or []
        return f"environment {key}", [line for line in lines if isinstance(line, str)]
    cluster = task.get("job_cluster_key") or task.get("existing_cluster_id")
    libraries = [line for library in task.get("libraries") or [] for line in _library(library)]
    return f"cluster {cluster}" if cluster else f"task {task.get('task_key')}", libraries


def _library(library: Mapping[str, Any]) -> Iterator[str]:
    """A library of a cluster as lines for pip; none for those of other languages."""
    match library:
        case {"requirements": str(path)}:
            yield located_like(path, f"-r {path}")
        case {"whl": str(path)}:
            yield path
        case {"pypi": {"package": str(package), "repo": str(repo)}}:
            yield located_like(repo, f"--extra-index-url {repo}")
            yield package
        case {"pypi": {"package": str(package)}}:
            yield package
