"""The types of the values in a bundle's files, checked first so that later code can rely on them.

Fields: Databricks, jobs API 2.2.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.tasks import KINDS
from localbundle.definitions.yamlfile import Text, error_at

_ANY, _ITEM, _REQUIRED = "*", "#", "!"  # any key of a mapping, any item of a list, a required value
_EXPECTED: dict[type, str] = {
    dict: "mapping; write `key: value` lines below it",
    list: "list; write `- ...` lines below it",
    str: "text; write a name or a path",
    bool: "boolean; write true or false",
}


def _of(kind: type, *paths: str) -> dict[str, type]:
    return dict.fromkeys(paths, kind)


def _below(path: str, shapes: Mapping[str, type]) -> dict[str, type]:
    return {f"{path}.{name}": kind for name, kind in shapes.items()}


def _keyed(key: str, **more: type) -> dict[str, type]:
    """A list of mappings that are identified by one of their fields."""
    return {"#!": dict, f"#.{key}!": str, **{f"#.{name.replace('__', '.')}": kind for name, kind in more.items()}}


_WORK = {
    **_of(dict, *KINDS, "libraries.#!", "libraries.#.pypi"),
    **_of(str, "libraries.#.whl", "notebook_task.notebook_path", "spark_python_task.python_file"),
    **_of(str, "python_wheel_task.package_name", "python_wheel_task.entry_point"),
    **_of(str, "job_cluster_key", "environment_key"),
    **_of(list, "libraries"),
}
_TASK = {
    **_WORK,
    **_of(list, "depends_on"),
    **_below("depends_on", _keyed("task_key")),
    **_of(dict, "for_each_task.task"),
    **_below("for_each_task.task", _WORK),
}
_JOB = {
    **_of(list, "tasks", "parameters", "environments", "job_clusters"),
    **_of(dict, "schedule", "trigger", "continuous", "queue"),
    **_below("tasks", {**_keyed("task_key"), **_below("#", _TASK)}),
    **_below("parameters", _keyed("name")),
    **_below("environments", _keyed("environment_key", spec=dict, spec__dependencies=list)),
    **_below("environments", _of(str, "#.spec.dependencies.#!")),
    **_below("job_clusters", _keyed("job_cluster_key", new_cluster=dict)),
}
_TARGET = {
    **_of(dict, "bundle", "workspace", "presets", "variables", "resources", "resources.*", "resources.*.*"),
    **_below("resources.jobs.*", _JOB),
    **_of(dict, "artifacts", "artifacts.*"),
    **_of(str, "artifacts.*.path", "presets.name_prefix"),
}
BUNDLE_SHAPE = {
    **_TARGET,
    **_of(dict, "variables.*", "targets", "targets.*"),
    **_below("targets.*", _TARGET),
    **_of(list, "include"),
    **_of(str, "include.#!"),
}
LAPTOP_SHAPE = {**_of(dict, "variables", "checks"), **_of(bool, "strict_volumes")}


def check_shape(config: Mapping[str, Any], shapes: Mapping[str, type], root: Path) -> None:
    """Refuses a value of the wrong type.

    Text with a reference in it may become anything but a boolean and passes; so does null where nothing is required.

    Args:
        config: the content of a file, or a merged bundle.
        shapes: the type by dotted path.
        root: the folder of databricks.yml.

    Raises:
        BundleError: names file, line, path, value and fix.
    """
    for pattern, kind in shapes.items():
        names = pattern.split(".")
        required = names[-1].endswith(_REQUIRED)
        for path, value in _at(config, [name.rstrip(_REQUIRED) for name in names], required):
            is_reference = isinstance(value, str) and "${" in value and kind is not bool
            if not ((value is None and not required) or isinstance(value, kind) or is_reference):
                origin = next((node for node in (value, *reversed(path)) if isinstance(node, Text)), None)
                name = ".".join(str(key) for key in path)
                raise error_at(origin, root, f"{name} is {value!r}, and must be a {_EXPECTED[kind]}")


def _at(
    config: object, names: list[str], required: bool, path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Each value at a path, with the keys that lead to it as written; None for a missing one that is required."""
    if not names:
        yield path, config
    elif names[0] == _ITEM and isinstance(config, list):
        for number, value in enumerate(config):
            yield from _at(value, names[1:], required, (*path, number))
    elif isinstance(config, Mapping):
        if required and len(names) == 1 and names[0] not in config:
            yield (*path, names[0]), None
        for key, value in config.items():
            if names[0] in (_ANY, key):
                yield from _at(value, names[1:], required, (*path, key))
