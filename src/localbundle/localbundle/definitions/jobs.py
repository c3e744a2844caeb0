"""A job as typed values, and a run's selection from it: parameters and tasks."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from localbundle.definitions.tasks import Task
from localbundle.errors import BundleError, closest

_ONLY = re.compile(r"(\+?)([\w-]+)(\+?)")


class Job(BaseModel):
    """A job as one run sees it.

    Attributes:
        key: its key under resources.jobs.
        name: its name, with the target's prefix.
        tasks: in topological order.
        parameters: the declared defaults by name.
        max_concurrent_runs: how many runs may be active at the same time.
        queue: whether a further run waits until one of them ends.
        timeout_seconds: of a whole run; 0 for none.
        ignored: descriptions of its compute, which a laptop does not have.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    tasks: tuple[Task, ...]
    parameters: dict[str, str]
    max_concurrent_runs: int
    queue: bool
    timeout_seconds: int
    ignored: tuple[str, ...]

    def task(self, key: str) -> Task:
        """The task with this key, which must exist."""
        return next(task for task in self.tasks if task.task_key == key)


def job_parameters(job: Job, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a run: the given values over the job's defaults.

    Raises:
        BundleError: a given name is not a parameter of the job.
    """
    for name in given:
        if name not in job.parameters:
            raise BundleError(f"job {job.key} has no parameter {name}; {closest(name, job.parameters)}")
    return {**job.parameters, **given}


def chosen_tasks(job: str, upstream: Mapping[str, set[str]], only: str) -> set[str]:
    """The keys that `--only` names: `a`, `+b` (b and all upstream), `c+` (c and all downstream).

    Args:
        job: the job's key, for the error.
        upstream: the tasks that each task depends on.
        only: the option's value.

    Raises:
        BundleError: a name is not a task, or the text does not have that form.
    """
    down = {key: {other for other, edges in upstream.items() if key in edges} for key in upstream}
    chosen: set[str] = set()
    for part in only.split(","):
        match = _ONLY.fullmatch(part.strip())
        if match is None or match[2] not in upstream:
            raise BundleError(f"--only {part}: not a task of job {job}; {closest(part.strip('+ '), upstream)}")
        chosen |= {match[2]}
        chosen |= reachable(upstream, match[2]) if match[1] else set()
        chosen |= reachable(down, match[2]) if match[3] else set()
    return chosen


def reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """All nodes that can be reached from `start` over the edges, without itself."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found
