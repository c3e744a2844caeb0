"""The input and output of a rule: a job, and the wrong strings in it with a message that gives the fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import absolute_path, read_yaml

# The string remembers its location, for the finding; any other value has none.
Messages = Iterator[tuple[object, str]]
BundleRule = Callable[[Bundle], Messages]


class Note(str):
    """A message that is printed and does not fail the validation."""


@dataclass(frozen=True)
class Step:
    """A task as it is written, or the one inside a for-each task."""

    raw: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its task_key."""
        return str(self.raw.get("task_key"))

    @property
    def edges(self) -> list[Mapping[str, Any]]:
        """Its dependencies."""
        return self.raw.get("depends_on") or []

    def work(self, kind: str) -> Mapping[str, Any]:
        """The fields of its work if it is of this kind, else nothing."""
        return self.raw.get(kind) or {}


@dataclass(frozen=True)
class JobContext:
    """A job as it is written, with its `${...}` resolved."""

    bundle: Bundle
    key: str
    raw: Mapping[str, Any]

    @property
    def tasks(self) -> list[Step]:
        """Its tasks."""
        return [Step(task) for task in self.raw.get("tasks") or []]

    @property
    def steps(self) -> list[Step]:
        """Its tasks and those inside for-each tasks."""
        nested = [Step(task.work("for_each_task").get("task") or {}) for task in self.tasks]
        return [*self.tasks, *(step for step in nested if step.raw)]

    @property
    def clusters(self) -> list[Mapping[str, Any]]:
        """The clusters that it defines, including those of single tasks."""
        holders = [*(self.raw.get("job_clusters") or []), *(step.raw for step in self.steps)]
        return [holder["new_cluster"] for holder in holders if holder.get("new_cluster")]

    def cluster(self, step: Step) -> Mapping[str, Any]:
        """The cluster that a task runs on, as far as the job defines it."""
        shared = {
            entry.get("job_cluster_key"): entry.get("new_cluster") for entry in self.raw.get("job_clusters") or []
        }
        return step.work("new_cluster") or shared.get(step.raw.get("job_cluster_key")) or {}

    @property
    def environments(self) -> list[Mapping[str, Any]]:
        """The specs of its serverless environments, with the dependencies of their base environments in the bundle."""
        specs = [entry.get("spec") or {} for entry in self.raw.get("environments") or []]
        return [self._with_base(spec) for spec in specs]

    def base_environment(self, spec: Mapping[str, Any]) -> Path | None:
        """The file in the bundle's folder that an environment is based on; None if it has none, or one elsewhere."""
        written = spec.get("base_environment")
        # Any other text names a base environment of the workspace.
        if not isinstance(written, str) or not written.endswith((".yml", ".yaml")):
            return None
        file = absolute_path(written, self.bundle.root)
        return file if file.is_relative_to(self.bundle.root) else None

    def _with_base(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        file = self.base_environment(spec)
        if file is None or not file.is_file():
            return spec
        base = read_yaml(file)
        both = [*(base.get("dependencies") or []), *(spec.get("dependencies") or [])]
        return {**base, **spec, "dependencies": both}

    def names(self, field: str, name: str) -> list[str]:
        """The names of the entries in a list of the job."""
        return [entry[name] for entry in self.raw.get(field) or [] if name in entry]


JobRule = Callable[[JobContext], Messages]


@dataclass(frozen=True)
class Use:
    """A string in a definition: its text, its name, and the mapping that contains it."""

    text: str
    key: str
    within: Mapping[str, Any]


def texts(node: object, key: str = "", within: Mapping[str, Any] | None = None) -> Iterator[Use]:
    """Every string of a tree, except mapping keys."""
    if isinstance(node, Mapping):
        for name, item in node.items():
            # A job's parameter is a name and a default.
            yield from texts(item, str(node.get("name", name)) if name == "default" else str(name), node)
    elif isinstance(node, list):
        for before, item in zip([key, *node], node, strict=False):
            # In positional parameters, `--schema` names the next one.
            yield from texts(item, before if isinstance(before, str) and before.startswith("--") else key, within)
    elif isinstance(node, str):
        yield Use(node, key, within or {})
