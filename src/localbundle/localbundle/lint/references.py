"""Rules on `{{...}}`: what a task reads must exist when it runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from localbundle.definitions.jobs import reachable
from localbundle.definitions.references import DYNAMIC_REFERENCE, PLAIN_KEY, TIMES, split_path
from localbundle.errors import closest
from localbundle.lint.rule import JobContext, Messages, texts

_MEMBERS = {
    "job": ("id", "name", "run_id", "repair_count", "start_time", "parameters", "trigger"),
    "task": ("name", "run_id", "execution_count", "notebook_path"),
    "tasks": ("run_id", "result_state", "error_code", "execution_count", "notebook_path", "values", "output"),
    "workspace": ("id", "url"),
}
_BRACKETED = re.compile(r"job\.parameters\.?\[['\"]?([^\]'\"]+)['\"]?\]")
_KEYED = re.compile(r"(?:tasks|job\.parameters)(?:\.[^.`\s]+)+")


@dataclass(frozen=True)
class Reference:
    """One reference. `parts` is empty for a malformed one, `task` is None where a parameter's default reads it."""

    text: str
    path: str
    task: str | None

    @property
    def parts(self) -> tuple[str, ...]:
        """Its parts between the dots."""
        return split_path(self.path) or ()

    def __str__(self) -> str:
        """The reader and what it reads."""
        reader = "a parameter's default" if self.task is None else f"task {self.task}"
        return f"{reader} reads {{{{{self.path}}}}}"


def undeclared_parameter(job: JobContext) -> Messages:
    """A job parameter that the job does not declare."""
    declared = job.names("parameters", "name")
    for reference in _references(job):
        match reference.parts:
            case ("job", "parameters", name) if name not in declared:
                yield (
                    reference.text,
                    f"{reference}: job {job.key} declares no parameter {name}; {closest(name, declared)}",
                )


def unknown_member(job: JobContext) -> Messages:
    """A name that its namespace does not have."""
    for reference in _references(job):
        match reference.parts:
            case ("job", "start_time", form) | ("job", "trigger", "time", form) if form not in TIMES:
                yield reference.text, f"{reference}: unknown time format {form}; {closest(form, TIMES)}"
            case ("tasks" as space, _, name, *_) | ("job" | "task" | "workspace" as space, name, *_) if (
                name not in _MEMBERS[space]
            ):
                yield (
                    reference.text,
                    f"{reference}: a {space.rstrip('s')} has no value {name}; {closest(name, _MEMBERS[space])}",
                )


def not_upstream(job: JobContext) -> Messages:
    """A value of a task that may not have run yet."""
    known = {task.key for task in job.tasks}
    edges = {task.key: {str(edge.get("task_key")) for edge in task.edges} & known for task in job.tasks}
    for reference in _references(job):
        match reference.parts:
            case ("tasks", name, _, *_) if name not in known:
                yield reference.text, f"{reference}: job {job.key} has no task {name}; {closest(name, known)}"
            case ("tasks", name, _, *_) if reference.task and name not in reachable(edges, reference.task):
                is_later = reference.task in {name} | reachable(edges, name)
                fix = "read a task that runs before" if is_later else "add it to depends_on"
                yield reference.text, f"{reference}: {name} is not upstream of {reference.task}; {fix}"


def needs_backticks(job: JobContext) -> Messages:
    """A key with characters other than letters, digits and `_`: the reference would stay unresolved."""
    for reference in _references(job):
        if bracketed := _BRACKETED.fullmatch(reference.path):
            fix = f"write {{{{job.parameters.{_quoted(bracketed[1])}}}}}"
            yield reference.text, f"{reference}: a name does not stand in brackets; {fix}"
        elif not reference.parts and _KEYED.fullmatch(reference.path):
            quoted = (_quoted(part) for part in reference.path.split("."))
            yield (
                reference.text,
                f"{reference}: keys with special characters need backticks; write {{{{{'.'.join(quoted)}}}}}",
            )


def _quoted(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else f"`{key}`"


def _references(job: JobContext) -> Iterator[Reference]:
    read: list[tuple[str | None, object]] = [(None, job.raw.get("parameters"))]
    read += [(task.key, value) for task in job.tasks for name, value in task.raw.items() if name.endswith("_task")]
    for task, node in read:
        for use in texts(node):
            for match in DYNAMIC_REFERENCE.finditer(use.text):
                yield Reference(use.text, match[1], task)
