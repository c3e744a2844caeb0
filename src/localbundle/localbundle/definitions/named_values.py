"""What a bundle says about catalogs and schemas: its resources, and values that are named after one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localbundle.definitions.bundle import Bundle

_NAME = re.compile(r"\w[\w-]*")


def resources(bundle: Bundle, kind: str) -> Mapping[str, Any]:
    """The bundle's resources of a kind, by key."""
    found: Mapping[str, Any] = (bundle.config.get("resources") or {}).get(kind) or {}
    return found


def values_named(bundle: Bundle, word: str) -> Iterator[object]:
    """The values of variables and of jobs' parameters whose name is this word, or ends with it."""
    for name, variable in (bundle.config.get("variables") or {}).items():
        if _is_named(name, word):
            yield variable.get("value", variable.get("default"))
    for job in bundle.jobs.values():
        for parameter in job.get("parameters") or []:
            if _is_named(parameter.get("name"), word):
                yield parameter.get("default")


def _is_named(name: object, word: str) -> bool:
    return isinstance(name, str) and (name == word or name.endswith(f"_{word}"))


def plain_names(values: Iterable[object]) -> Iterator[str]:
    """Those that are plain names: a reference that has no value here names nothing."""
    return (value for value in values if isinstance(value, str) and _NAME.fullmatch(value))
