"""Catalogs and schemas of a bundle on one machine: every catalog is a name of the one that Spark has here.

So main.sales.orders and dev.sales.orders are the same table, sales.orders; and current_catalog() is always
spark_catalog.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localbundle.definitions.bundle import Bundle

CATALOG = "spark_catalog"
ALWAYS = ("hive_metastore", "main", "samples", "workspace")
"""Names that code uses without a declaration, in most workspaces."""
_DECLARING = ("schemas", "volumes", "registered_models")
_NAME = re.compile(r"\w[\w-]*")


def catalog_names(bundle: Bundle) -> tuple[str, ...]:
    """The catalogs that a bundle may mean: of resources, of values named catalog, and of environments/laptop.yml."""
    declared = (one.get("catalog_name") for kind in _DECLARING for one in resources(bundle, kind).values())
    created = (one.get("name") for one in resources(bundle, "catalogs").values())
    found = {*ALWAYS, *bundle.catalogs, *_names([*declared, *created, *_values(bundle, "catalog")])}
    return tuple(sorted(found - {CATALOG}))


def schema_names(bundle: Bundle) -> tuple[str, ...]:
    """The schemas to create: of its resources, and of values named schema, which on Databricks exist beforehand."""
    declared = (one.get("name") for one in resources(bundle, "schemas").values())
    return tuple(dict.fromkeys(_names([*declared, *_values(bundle, "schema")])))


def resources(bundle: Bundle, kind: str) -> Mapping[str, Any]:
    """The bundle's resources of a kind, by key."""
    found: Mapping[str, Any] = (bundle.config.get("resources") or {}).get(kind) or {}
    return found


def _values(bundle: Bundle, word: str) -> Iterator[object]:
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


def _names(values: Iterable[object]) -> Iterator[str]:
    """Those that are plain names: a reference that has no value here names nothing."""
    return (value for value in values if isinstance(value, str) and _NAME.fullmatch(value))
