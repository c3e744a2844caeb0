"""Permissions of a bundle on its resources (databricks/cli, apply_bundle_permissions.go and fix_permissions.go)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.yamlfile import error_at
from localbundle.errors import BundleError

# What CAN_MANAGE, CAN_VIEW and CAN_RUN of a bundle mean for each kind; a level that is missing does not apply to it.
_LEVELS: dict[str, tuple[str, str, str | None]] = {
    "jobs": ("CAN_MANAGE", "CAN_VIEW", "CAN_MANAGE_RUN"),
    "pipelines": ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN"),
    "experiments": ("CAN_MANAGE", "CAN_READ", None),
    "models": ("CAN_MANAGE", "CAN_READ", None),
    "model_serving_endpoints": ("CAN_MANAGE", "CAN_VIEW", "CAN_QUERY"),
    "dashboards": ("CAN_MANAGE", "CAN_READ", None),
    "genie_spaces": ("CAN_MANAGE", "CAN_READ", None),
    "apps": ("CAN_MANAGE", "CAN_USE", None),
    "secret_scopes": ("MANAGE", "READ", None),
    "alerts": ("CAN_MANAGE", "CAN_READ", "CAN_RUN"),
    "sql_warehouses": ("CAN_MANAGE", "CAN_VIEW", "CAN_MONITOR"),
    "database_instances": ("CAN_MANAGE", "CAN_USE", None),
    "postgres_projects": ("CAN_MANAGE", "CAN_USE", None),
    "clusters": ("CAN_MANAGE", "CAN_ATTACH_TO", "CAN_RESTART"),
    "vector_search_endpoints": ("CAN_MANAGE", "CAN_USE", None),
    "instance_pools": ("CAN_MANAGE", "CAN_ATTACH_TO", None),
}
_ALLOWED = ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN")
_ORDER = (
    "CAN_VIEW", "CAN_READ", "CAN_VIEW_METADATA", "CAN_RUN", "CAN_QUERY", "CAN_USE", "CAN_EDIT", "CAN_EDIT_METADATA",
    "CAN_CREATE", "CAN_ATTACH_TO", "CAN_RESTART", "CAN_MONITOR", "CAN_MANAGE_RUN", "CAN_MANAGE_STAGING_VERSIONS",
    "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE", "IS_OWNER",
)  # fmt: skip
_OWNED = ("jobs", "pipelines", "sql_warehouses")
_PRINCIPALS = ("user_name", "service_principal_name", "group_name")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def with_permissions(resources: Mapping[str, Any], permissions: list[Any], user: str) -> dict[str, Any]:
    """The resources with the bundle's permissions; the user who deploys owns or manages each that has any."""
    return {
        kind: {key: _resource(kind, value, permissions, user) for key, value in (entries or {}).items()}
        for kind, entries in resources.items()
    }


def permission_errors(permissions: list[Any], root: Path) -> Iterator[BundleError]:
    """An error for each level that a bundle cannot grant."""
    for entry in permissions:
        level = entry.get("level")
        if level not in _ALLOWED:
            yield error_at(level, root, f"permissions: a bundle cannot grant {level}; use {', '.join(_ALLOWED)}")


def _resource(kind: str, resource: Any, permissions: list[Any], user: str) -> Any:  # noqa: ANN401 - YAML is any shape
    if not isinstance(resource, dict) or isinstance(resource.get("permissions"), str):
        return resource
    own = [entry for entry in resource.get("permissions") or [] if isinstance(entry, dict)]
    taken = {(name, entry[name]) for entry in own for name in _PRINCIPALS if entry.get(name)}
    for entry in permissions if kind in _LEVELS else ():
        level = dict(zip(_ALLOWED, _LEVELS[kind], strict=True)).get(entry.get("level"))
        named = {name: entry[name] for name in _PRINCIPALS if entry.get(name)}
        if level and not taken & set(named.items()):
            own.append({"level": level, **named})
    if not own:
        return resource
    return {**resource, "permissions": own if kind == "secret_scopes" else _strongest(_managed(own, user, kind))}


def _managed(entries: list[dict[str, Any]], user: str, kind: str) -> list[dict[str, Any]]:
    """The entries with the deploying user as owner, if the kind has owners and nobody else is, else as manager."""
    levels = [entry.get("level") for entry in entries]
    own = {entry.get("level"): n for n, entry in enumerate(entries) if _name(entry) == user}
    if "IS_OWNER" in own:
        return entries
    managing = own.get("CAN_MANAGE")
    wanted = "IS_OWNER" if kind in _OWNED and "IS_OWNER" not in levels else "CAN_MANAGE"
    if managing is None:
        principal = "service_principal_name" if _UUID.fullmatch(user) else "user_name"
        return [*entries, {"level": wanted, principal: user}]
    return [{**entry, "level": wanted} if n == managing else entry for n, entry in enumerate(entries)]


def _strongest(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each principal, with the highest of its levels."""
    levels: dict[tuple[str, str], str] = {}
    for entry in entries:
        name = next((name for name in _PRINCIPALS if entry.get(name)), None)
        if name and entry.get("level"):
            key = (name, entry[name])
            levels[key] = max(levels.get(key, ""), entry["level"], key=_rank)
    return [{"level": level, name: value} for (name, value), level in levels.items()]


def _name(entry: Mapping[str, Any]) -> object:
    return entry.get("user_name") or entry.get("service_principal_name")


def _rank(level: str) -> tuple[int, str]:
    return (_ORDER.index(level) if level in _ORDER else -1, level)
