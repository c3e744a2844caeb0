"""What a bundle's files must hold where: what comes after takes it for granted. Fields: Databricks, jobs API 2.2."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.tasks import KINDS
from localbundle.definitions.yamlfile import place
from localbundle.errors import BundleError

_ANY, _ITEM, _NEEDED = "*", "#", "!"  # any key of a mapping, any item of a list, what may not be left out
_MEND: dict[type, str] = {
    dict: "mapping; write `key: value` lines below it",
    list: "list; write `- ...` lines below it",
    str: "text; write a name or a path",
    bool: "switch; write true or false",
}


def _of(kind: type, *paths: str) -> dict[str, type]:
    return dict.fromkeys(paths, kind)


def _below(path: str, shapes: Mapping[str, type]) -> dict[str, type]:
    return {f"{path}.{name}": kind for name, kind in shapes.items()}


def _keyed(key: str, **more: type) -> dict[str, type]:
    """A list of mappings that are called by one of their fields."""
    return {"#!": dict, f"#.{key}!": str, **{f"#.{name.replace('__', '.')}": kind for name, kind in more.items()}}


_TASK = {
    **_of(dict, *KINDS, "for_each_task.task", "libraries.#!"),
    **_of(str, "libraries.#.whl", "notebook_task.notebook_path", "spark_python_task.python_file"),
    **_of(list, "depends_on", "libraries"),
    **_below("depends_on", _keyed("task_key")),
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
    **_of(str, "artifacts.*.path"),
}
OF_A_BUNDLE = {
    **_TARGET,
    **_of(dict, "variables.*", "targets", "targets.*"),
    **_below("targets.*", _TARGET),
    **_of(list, "include"),
    **_of(str, "include.#!"),
}
OF_A_LAPTOP = {**_of(dict, "variables", "checks"), **_of(bool, "strict_volumes")}


def check_shape(config: Mapping[str, Any], shapes: Mapping[str, type], root: Path) -> None:
    """Refuses a value of another kind than belongs there; `shapes` are dotted paths and their kinds.

    A text with a reference in it may become anything but a switch and passes, as does nothing at all where it is not
    needed.

    Raises:
        BundleError: names file, line, path, value and fix.
    """
    for pattern, kind in shapes.items():
        names = pattern.split(".")
        needed = names[-1].endswith(_NEEDED)
        for path, value in _at(config, [name.rstrip(_NEEDED) for name in names], needed):
            is_reference = isinstance(value, str) and "${" in value and kind is not bool
            if not ((value is None and not needed) or isinstance(value, kind) or is_reference):
                where = place(value, root) or next(filter(None, (place(key, root) for key in reversed(path))), "")
                name = ".".join(str(key) for key in path)
                raise BundleError(f"{where}{name} is {value!r}, and must be a {_MEND[kind]}")


def _at(
    config: object, names: list[str], needed: bool, path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Each value at a path, with the keys that lead to it as they are written; None for one that is needed."""
    if not names:
        yield path, config
    elif names[0] == _ITEM and isinstance(config, list):
        for number, value in enumerate(config):
            yield from _at(value, names[1:], needed, (*path, number))
    elif isinstance(config, Mapping):
        if needed and len(names) == 1 and names[0] not in config:
            yield (*path, names[0]), None
        for key, value in config.items():
            if names[0] in (_ANY, key):
                yield from _at(value, names[1:], needed, (*path, key))
