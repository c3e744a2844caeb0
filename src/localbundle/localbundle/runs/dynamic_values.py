"""`{{...}}`: dynamic value references, replaced at run time. Spec: Databricks, What is a dynamic value reference?"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from localbundle.definitions.dynamic_references import REFERENCE, TIMES, split_path
from localbundle.errors import BundleError, closest

_T = TypeVar("_T")
_OLD_FORMS = {
    "job_id": ("job", "id"),
    "run_id": ("task", "run_id"),
    "parent_run_id": ("job", "run_id"),
    "start_date": ("job", "start_time", "iso_date"),
    "start_time": ("job", "start_time", "timestamp_ms"),
    "task_key": ("task", "name"),
    "task_retry_count": ("task", "retry_count"),
}


@dataclass(frozen=True)
class Known:
    """What references of one task may name: leaves as text, and the JSON values that tasks have set.

    `iteration` holds the element that an iteration of a for-each task works on, as "input"; else it is empty.
    """

    job: Mapping[str, str]
    parameters: Mapping[str, str]
    started: datetime
    task: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    task_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    iteration: Mapping[str, Any] = field(default_factory=dict)


def substitute(text: str, known: Known) -> str:
    """The text with each reference replaced literally; unknown or malformed ones stay as they are.

    Raises:
        BundleError: a name inside a known namespace does not exist.
    """

    def replace(match: re.Match[str]) -> str:
        parts = _parts(match[1])
        value = _look_up(parts, known, match[0]) if parts else None
        return match[0] if value is None else value

    return REFERENCE.sub(replace, text)


def as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A task value where text is needed: strings as they are, booleans "true"/"false", the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _parts(path: str) -> tuple[str, ...] | None:
    parts = split_path(path)
    return _OLD_FORMS.get(path, parts) if parts else None


def _look_up(parts: tuple[str, ...], known: Known, text: str) -> str | None:
    match parts:
        case ("job", "parameters", name):
            return _leaf(known.parameters, name, text, "parameter of the job")
        case ("job", "start_time", form) | ("job", "trigger", "time", form):
            return _leaf(TIMES, form, text, "form of a time")(known.started.astimezone(UTC))
        case ("job", "trigger", "type"):
            return "manual"
        case ("job", "trigger", "file_arrival", "location"):
            return ""
        case ("job", name):
            return _leaf(known.job, name, text, "value of the job")
        case ("task", name):
            return _leaf(known.task, name, text, "value of a task")
        case ("tasks", task, "values", name):
            values = _leaf(known.task_values, task, text, "task that has run")
            return as_text(_leaf(values, name, text, f"task value that {task} has set"))
        case ("tasks", _, "output", *_):
            raise BundleError(f"{text}: only SQL tasks have an output, and they do not run here; use a task value")
        case ("tasks", task, name):
            return _leaf(_leaf(known.tasks, task, text, "task that has run"), name, text, "value of a task")
        case ("workspace", name):
            return _leaf({"id": "0", "url": ""}, name, text, "value of the workspace")
        case ("backfill", _):
            raise BundleError(f"{text}: this run is no backfill; use {{{{job.start_time.{parts[1]}}}}}")
        case ("input", *names) if known.iteration:
            return _element(known.iteration["input"], names, text)
        case _:
            return None


def _element(element: Any, names: list[str], text: str) -> str:  # noqa: ANN401 - any JSON value
    for name in names:
        element = _leaf(element if isinstance(element, dict) else {}, name, text, "key of this input")
    return as_text(element)


def _leaf(values: Mapping[str, _T], name: str, text: str, what: str) -> _T:
    if name not in values:
        raise BundleError(f"{text}: {name} is no {what}; {closest(name, values)}")
    return values[name]
