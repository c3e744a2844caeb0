"""Names of schemas and catalogs that a bundle spells out and also declares: they become references to the declaration.

A target may prefix the declared schema's name, and what is in the schema follows it (databricks/cli,
capture_uc_dependencies.go).
"""

from collections.abc import Mapping
from typing import Any

from localbundle.definitions.yamlfile import located_like

_IN_SCHEMA = {
    "volumes": (("catalog_name", "schema_name"),),
    "registered_models": (("catalog_name", "schema_name"),),
    "secrets": (("catalog_name", "schema_name"),),
    "pipelines": (("catalog", "schema"), ("catalog", "target")),
}  # fmt: skip
_IN_ENDPOINT = (("ai_gateway", "inference_table_config"), ("config", "auto_capture_config"))


def with_references(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources with references in place of declared names."""
    names = _Declared(resources)
    found = dict(resources)
    for kind, pairs in _IN_SCHEMA.items():
        if found.get(kind):
            found[kind] = {key: _resource(value, pairs, names) for key, value in found[kind].items()}
    if found.get("model_serving_endpoints"):
        entries = found["model_serving_endpoints"].items()
        found["model_serving_endpoints"] = {key: _endpoint(value, names) for key, value in entries}
    if found.get("quality_monitors"):
        found["quality_monitors"] = {key: _monitor(value, names) for key, value in found["quality_monitors"].items()}
    if found.get("schemas"):
        found["schemas"] = {key: _schema(value, names) for key, value in found["schemas"].items()}
    return found


class _Declared:
    """The keys of the declared schemas and catalogs by name."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        schemas, catalogs = resources.get("schemas") or {}, resources.get("catalogs") or {}
        self._schemas = {
            (value.get("catalog_name"), value.get("name")): key
            for key, value in reversed(schemas.items())
            if isinstance(value, dict) and isinstance(value.get("catalog_name"), str)
        }
        self._catalogs = {value.get("name"): key for key, value in catalogs.items() if isinstance(value, dict)}

    def schema(self, catalog: object, name: object) -> Any:  # noqa: ANN401 - text, or what was written
        key = self._schemas.get((catalog, name)) if isinstance(catalog, str) and name else None
        return name if key is None else located_like(name, f"${{resources.schemas.{key}.name}}")

    def catalog(self, name: object) -> Any:  # noqa: ANN401
        key = self._catalogs.get(name) if isinstance(name, str) else None
        return name if key is None else located_like(name, f"${{resources.catalogs.{key}.name}}")


def _resource(value: Any, pairs: tuple[tuple[str, str], ...], names: _Declared) -> Any:  # noqa: ANN401 - any shape
    if not isinstance(value, dict):
        return value
    found = dict(value)
    for catalog, schema in pairs:
        if schema in found:
            found[schema] = names.schema(value.get(catalog), value[schema])
        if catalog in found:
            found[catalog] = names.catalog(value[catalog])
    return found


def _endpoint(value: Any, names: _Declared) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        return value
    found = dict(value)
    for outer, inner in _IN_ENDPOINT:
        if isinstance(found.get(outer), dict) and isinstance(found[outer].get(inner), dict):
            table = _resource(found[outer][inner], (("catalog_name", "schema_name"),), names)
            found[outer] = {**found[outer], inner: table}
    return found


def _monitor(value: Any, names: _Declared) -> Any:  # noqa: ANN401
    written = value.get("output_schema_name") if isinstance(value, dict) else None
    if not isinstance(written, str) or "." not in written:
        return value
    catalog, schema = written.split(".", 1)
    full = f"{names.catalog(catalog)}.{names.schema(catalog, schema)}"
    return {**value, "output_schema_name": located_like(written, full)}


def _schema(value: Any, names: _Declared) -> Any:  # noqa: ANN401
    is_named = isinstance(value, dict) and "catalog_name" in value
    return {**value, "catalog_name": names.catalog(value["catalog_name"])} if is_named else value
