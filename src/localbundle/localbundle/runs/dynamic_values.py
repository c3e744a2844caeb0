"""`{{...}}`: dynamic value references, replaced at run time. Spec: Databricks, What is a dynamic value reference?"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from localbundle.definitions.references import DYNAMIC_REFERENCE, TIMES, split_path
from localbundle.errors import BundleError, closest
from localbundle.kernels.output import Output

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
    """What the references of one task may name: leaves as text, and the JSON values that tasks have set.

    `iteration` is {"input": element} in an iteration of a for-each task, else empty.
    """

    job: Mapping[str, str]
    parameters: Mapping[str, str]
    started: datetime
    task: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    task_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
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

    return DYNAMIC_REFERENCE.sub(replace, text)


def as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A task value where text is needed: strings as they are, booleans "true"/"false", the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parts(path: str) -> tuple[str, ...] | None:
    parts = split_path(path)
    return _OLD_FORMS.get(path, parts) if parts else None


def _look_up(parts: tuple[str, ...], known: Known, text: str) -> str | None:
    match parts:
        case ("job", "parameters", name):
            return _leaf(known.parameters, name, text, "job parameter")
        case ("job", "start_time", form) | ("job", "trigger", "time", form):
            return _leaf(TIMES, form, text, "time format")(known.started.astimezone(UTC))
        case ("job", "trigger", "type"):
            return "manual"
        case ("job", "trigger", "file_arrival", "location"):
            return ""
        case ("job", name):
            return _leaf(known.job, name, text, "job field")
        case ("task", name):
            return _leaf(known.task, name, text, "task field")
        case ("tasks", task, "values", name):
            values = _leaf(known.task_values, task, text, "finished task")
            return as_text(_leaf(values, name, text, f"value of task {task}"))
        case ("tasks", task, "output", *names):
            return _output(_leaf(known.outputs, task, text, "SQL task with rows"), names, text)
        case ("tasks", task, name):
            return _leaf(_leaf(known.tasks, task, text, "finished task"), name, text, "task field")
        case ("workspace", name):
            return _leaf({"id": "0", "url": ""}, name, text, "workspace field")
        case ("backfill", _):
            raise BundleError(f"{text}: not a backfill run; use {{{{job.start_time.{parts[1]}}}}}")
        case ("input", *names) if known.iteration:
            return _element(known.iteration["input"], names, text)
        case _:
            return None


def _output(output: Output, names: list[str], text: str) -> str:
    """All rows of a SQL task as a JSON array, the first one as an object, or one value of that."""
    records = output.records
    match names:
        case ["rows"]:
            if not output.is_complete:
                raise BundleError(f"{text}: the rows are more than 1,000 or 48 KiB; select fewer, or read a table")
            return as_text(records)
        case ["first_row", *columns] if len(columns) < 2:
            if not records:
                raise BundleError(f"{text}: the result has no row; let the statement return one")
            return as_text(_leaf(records[0], columns[0], text, "column") if columns else records[0])
    _leaf({"rows": "", "first_row": ""}, names[0] if names else "", text, "part of an output")
    raise BundleError(f"{text}: too many parts; end it after the column")


def _element(element: Any, names: list[str], text: str) -> str:  # noqa: ANN401 - any JSON value
    for name in names:
        element = _leaf(element if isinstance(element, dict) else {}, name, text, "key of this input")
    return as_text(element)


def _leaf(values: Mapping[str, _T], name: str, text: str, what: str) -> _T:
    if name not in values:
        raise BundleError(f"{text}: unknown {what}: {name}; {closest(name, values)}")
    return values[name]
