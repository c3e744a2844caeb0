"""Writes fields.json, the types of a bundle's fields: `python -m localbundle.definitions.refresh_fields`.

Fields of resources come from the installed databricks-sdk (Apache-2.0), whose classes and methods mirror the APIs that
a deployment calls; what bundles add to them, and the sections around them, is written here.
"""

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

from localbundle.definitions.fields import TABLE

_SERVICE = "databricks.sdk.service."
_PLAIN = {str: "str", int: "int", float: "float", bool: "bool", Any: "any"}
# Class of the resource, or method of its API that creates one.
SOURCES = {
    "jobs": "jobs.JobSettings",
    "pipelines": "pipelines.PipelinesAPI.create",
    "models": "ml.ModelRegistryAPI.create_model",
    "experiments": "ml.ExperimentsAPI.create_experiment",
    "model_serving_endpoints": "serving.ServingEndpointsAPI.create",
    "registered_models": "catalog.RegisteredModelsAPI.create",
    "quality_monitors": "catalog.QualityMonitorsAPI.create",
    "catalogs": "catalog.CatalogsAPI.create",
    "schemas": "catalog.SchemasAPI.create",
    "volumes": "catalog.VolumesAPI.create",
    "external_locations": "catalog.ExternalLocationsAPI.create",
    "clusters": "compute.ClusterSpec",
    "dashboards": "dashboards.Dashboard",
    "apps": "apps.App",
    "alerts": "sql.AlertV2",
    "sql_warehouses": "sql.WarehousesAPI.create",
    "database_instances": "database.DatabaseInstance",
    "database_catalogs": "database.DatabaseCatalog",
    "synced_database_tables": "database.SyncedDatabaseTable",
    "vector_search_endpoints": "vectorsearch.VectorSearchEndpointsAPI.create_endpoint",
    "vector_search_indexes": "vectorsearch.VectorSearchIndexesAPI.create_index",
    "instance_pools": "compute.InstancePoolsAPI.create",
}
# Kinds whose fields are not checked: their APIs are young, and the SDK on a machine may not have them yet.
OPEN = (
    "job_runs", "genie_spaces", "secret_scopes", "secrets", "postgres_projects", "postgres_branches",
    "postgres_endpoints", "postgres_catalogs", "postgres_databases", "postgres_roles", "postgres_synced_tables",
    "cluster_policies", "features", "mcp_services", "model_services", "model_provider_services",
)  # fmt: skip
_GRANTED = (
    "catalogs", "schemas", "volumes", "registered_models", "external_locations", "vector_search_indexes",
)  # fmt: skip
_PERMITTED = (
    "jobs", "pipelines", "experiments", "models", "model_serving_endpoints", "dashboards", "apps", "alerts", "clusters",
    "sql_warehouses", "database_instances", "vector_search_endpoints", "instance_pools",
)  # fmt: skip
# The name in the request's path, which a deployment takes from the resource.
_NOT_REQUIRED = ("serving.EndpointCoreConfigInput", "name")
_ADDED = {
    "dashboards": {"file_path": "str", "embed_credentials": "bool", "serialized_dashboard": "any",
                   "dataset_catalog": "str", "dataset_schema": "str"},
    "apps": {"source_code_path": "str", "config": "any", "git_source": "any"},
    "alerts": {"file_path": "str"},
    "quality_monitors": {"table_name": "str"},
    "volumes": {"volume_path": "str"},
    "pipelines": {"cascade_on_destroy": "bool"},
    "jobs": {"job_id": "any"},
}  # fmt: skip
_GIT = {"branch": "str", "origin_url": "str", "commit": "str", "actual_branch": "str", "bundle_root_path": "str"}
_SECTIONS: dict[str, dict[str, str]] = {
    "permission": {"level!": "str", "user_name": "str", "service_principal_name": "str", "group_name": "str"},
    "grant": {"principal": "str", "privileges": "[]str"},
    "git": _GIT,
    "bundle": {
        "name": "str", "target": "str", "environment": "str", "mode": "str", "git": "git", "cluster_id": "str",
        "compute_id": "str", "engine": "str", "databricks_cli_version": "str", "uuid": "str",
        "deployment": "deployment",         "terraform": "any", "force": "bool",
    },
    "deployment": {"fail_on_active_runs": "bool", "lock": "lock"},
    "lock": {"enabled": "bool", "force": "bool"},
    "workspace": {
        **dict.fromkeys(
            ("host", "profile", "auth_type", "client_id", "google_service_account", "azure_workspace_resource_id",
             "azure_client_id", "azure_tenant_id", "azure_environment", "azure_login_app_id", "account_id",
             "workspace_id", "root_path", "file_path", "resource_path", "artifact_path", "state_path"), "str"),
        "azure_use_msi": "bool", "experimental_is_unified_host": "bool", "current_user": "user",
        "metadata_service_url": "str", "snapshot_path": "str",
    },
    "user": {
        **dict.fromkeys(
            ("userName", "displayName", "id", "externalId", "short_name", "domain_friendly_name"), "str"),
        "active": "bool", **dict.fromkeys(("emails", "groups", "roles", "entitlements", "schemas", "name"), "any"),
    },
    "presets": {
        "name_prefix": "str", "pipelines_development": "bool", "trigger_pause_status": "str",
        "jobs_max_concurrent_runs": "int", "source_linked_deployment": "bool", "artifacts_dynamic_version": "bool",
        "tags": "{}str",
    },
    "sync": {"paths": "[]str", "include": "[]str", "exclude": "[]str"},
    "python": {"resources": "[]str", "mutators": "[]str", "venv_path": "str"},
    "experimental": {
        "scripts": "{}str", "immutable_folder": "bool", "python_wheel_wrapper": "bool", "use_legacy_run_as": "bool",
        "pydabs": "any", "python": "python", "skip_artifact_cleanup": "bool", "skip_name_prefix_for_schema": "bool",
        "record_deployment_history": "bool",
    },
    "artifact": {
        "type": "str", "path": "str", "build": "str", "executable": "str", "dynamic_version": "bool", "files": "[]file",
    },
    "file": {"source": "str", "patched": "str", "remote_path": "str"},
    "script": {"content": "str", "env": "{}str"},
    "variable": {"type": "str", "default": "any", "description": "str", "value": "any", "lookup": "lookup"},
    "lookup": dict.fromkeys(
        ("alert", "cluster_policy", "cluster", "dashboard", "instance_pool", "job", "metastore",
         "notification_destination", "pipeline", "query", "service_principal", "warehouse"), "str"),
    "target": {
        "default": "bool", "mode": "str", "presets": "presets", "cluster_id": "str", "compute_id": "str",
        "bundle": "bundle", "workspace": "workspace", "artifacts": "{}artifact", "resources": "resources",
        "variables": "{}variable", "git": "git", "run_as": "jobs.JobRunAs", "sync": "sync",
        "permissions": "[]permission",
    },
    "root": {
        "variables": "{}variable", "bundle": "bundle", "include": "[]str", "workspace": "workspace",
        "artifacts": "{}artifact", "resources": "resources", "targets": "{}target", "environments": "{}target",
        "sync": "sync", "run_as": "jobs.JobRunAs", "presets": "presets", "experimental": "experimental",
        "permissions": "[]permission", "scripts": "{}script", "python": "python",
    },
}  # fmt: skip


def table() -> dict[str, Any]:
    """The types of a bundle's sections and resources, and the values of enums.

    A type is the fields of a mapping: `str`, `int`, `float`, `bool`, `any`, the name of a type or an enum, `[]` and
    `{}` before one for a list and a mapping of it; a name with `!` at its end is a field that must be set.
    """
    found = _Found()
    for kind, source in SOURCES.items():
        fields = found.fields(source) | {"id": "any", "url": "any", "lifecycle": "any"}
        found.types[f"resource.{kind}"] = fields | _ADDED.get(kind, {})
        for kinds_with, field, kind_of in (
            (_GRANTED, "grants", "[]grant"),
            (_PERMITTED, "permissions", "[]permission"),
        ):
            if kind in kinds_with:
                found.types[f"resource.{kind}"][field] = kind_of
    config, name = _NOT_REQUIRED
    found.types[config][name] = found.types[config].pop(f"{name}!")
    sections = {kind: f"{{}}resource.{kind}" for kind in SOURCES} | dict.fromkeys(OPEN, "{}any")
    return {"types": {**_SECTIONS, "resources": sections, **found.types}, "enums": found.enums}


class _Found:
    """The classes met so far."""

    def __init__(self) -> None:
        self.types: dict[str, dict[str, str]] = {}
        self.enums: dict[str, list[str]] = {}

    def fields(self, source: str) -> dict[str, str]:
        module, *path = source.split(".")
        thing: Any = import_module(_SERVICE + module)
        for name in path:
            thing = getattr(thing, name)
        return self._of_class(thing) if inspect.isclass(thing) else self._of_method(thing)

    def _of_class(self, thing: type) -> dict[str, str]:
        hints = typing.get_type_hints(thing)
        return {
            field.name + "!" * (field.default is dataclasses.MISSING): self._written(hints[field.name])
            for field in dataclasses.fields(thing)
        }

    def _of_method(self, method: Callable[..., Any]) -> dict[str, str]:
        hints = typing.get_type_hints(method)
        parameters = [p for name, p in inspect.signature(method).parameters.items() if name in hints]
        return {p.name + "!" * (p.default is p.empty): self._written(hints[p.name]) for p in parameters}

    def _written(self, hint: Any) -> str:  # noqa: ANN401 - any form of an annotation
        if hint in _PLAIN:
            return _PLAIN[hint]
        arguments = [part for part in typing.get_args(hint) if part is not types.NoneType]
        if typing.get_origin(hint) is list:
            return "[]" + self._written(arguments[0])
        if typing.get_origin(hint) is dict:
            return "{}" + self._written(arguments[1])
        if arguments:  # optional
            return self._written(arguments[0])
        return self._class(hint)

    def _class(self, thing: type) -> str:
        name = f"{thing.__module__.removeprefix(_SERVICE)}.{thing.__name__}"
        if issubclass(thing, Enum):
            self.enums[name] = sorted(member.value for member in thing)
        elif not dataclasses.is_dataclass(thing):
            return "str"  # times and durations are text in a bundle
        elif name not in self.types:
            self.types[name] = {}  # a class may contain itself
            self.types[name] |= self._of_class(thing)
        return name


def main(file: Path = TABLE) -> None:
    """Writes the table, and prints how large it is."""
    content = table()
    file.write_text(_text(content), "utf-8")
    print(f"{len(content['types'])} types, {len(content['enums'])} enums")


def _text(content: Mapping[str, Mapping[str, object]]) -> str:
    """One line for each type, so that a difference between two versions can be read."""
    parts = []
    for section, entries in content.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries))
        parts.append(f" {json.dumps(section)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
