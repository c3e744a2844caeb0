"""Rules on names: variables, and names of resources, which development mode prefixes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.catalog_names import with_references
from localbundle.definitions.named_values import plain_names, resources, values_named
from localbundle.definitions.presets import PREFIXED_FIELDS
from localbundle.definitions.references import Resolver
from localbundle.lint.rule import Messages, Note, Use, texts

_ALWAYS_THERE = ("default", "information_schema")
_VARIABLE = re.compile(r"\$\{(?:var|variables)\.([\w-]+)")
_REFERENCE = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}")
_VOLUME = re.compile(r"(?:dbfs:)?/Volumes/([^/]+)/([^/]+)(?:/.*)?")
_TABLE = re.compile(r"([\w*-]+)\.([\w*-]+)(?:\.([\w*-]+))?")


def unused_variable(bundle: Bundle) -> Messages:
    """A variable that no file of the bundle uses. Python code that defines resources may use any."""
    used = {name for use in texts(bundle.raw) for name in _VARIABLE.findall(use.text)}
    for name in bundle.raw["variables"] if not _has_python(bundle.raw) else ():
        if name not in used:
            yield name, f"variable {name} is declared and never used; remove it, or use ${{var.{name}}}"


def undeclared_schema(bundle: Bundle) -> Messages:
    """A schema that a value names and no resource declares: a laptop creates it, a deployment does not."""
    declared = {one.get("name") for one in resources(bundle, "schemas").values()}
    # A variable that names a declared schema, which development mode then prefixes.
    for use in texts(bundle.raw["resources"].get("schemas") or {}):
        for variable in _VARIABLE.findall(use.text) if use.key == "name" else ():
            found = (bundle.config.get("variables") or {}).get(variable) or {}
            declared.add(str(found.get("value", found.get("default"))))
    for name in dict.fromkeys(plain_names(values_named(bundle, "schema"))):
        if name not in {*declared, *_ALWAYS_THERE}:
            yield (
                name,
                Note(f"schema {name} is created here, and has to exist on Databricks; or add it to resources.schemas"),
            )


def unprefixed_name(bundle: Bundle) -> Messages:
    """A resource's name repeated as a literal: it is a different name wherever a target prefixes names."""
    if not any(_prefixes(layer) for layer in (bundle.raw, *bundle.raw["targets"].values())):
        return
    # Errors are reported elsewhere. References to resources are correct and stay.
    resolver = Resolver(bundle.raw, bundle.root, report=lambda error: None)
    # A deployment itself makes references of declared names in some fields.
    resources = with_references(resolver.resolve(bundle.raw["resources"]))
    uses = list(texts(resources))
    for kind, key, resource in _prefixed(resources):
        for use in uses:
            if use.within is not resource and _spells(use, kind, resource):
                reference = f"${{resources.{kind}.{key}.name}}"
                yield (
                    use.text,
                    f"{use.key} repeats the name of {kind}.{key}, which development mode prefixes; write {reference}",
                )


def _has_python(raw: Mapping[str, Any]) -> bool:
    return "python" in raw or "python" in (raw.get("experimental") or {})


def _prefixes(layer: Mapping[str, Any] | None) -> bool:
    layer = layer or {}
    return layer.get("mode") == "development" or bool((layer.get("presets") or {}).get("name_prefix"))


def _prefixed(resources: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in PREFIXED_FIELDS:
        for key, resource in (resources.get(kind) or {}).items():
            name = (resource or {}).get("name")
            if isinstance(name, str) and "${" not in name:
                yield kind, key, resource


def _spells(use: Use, kind: str, resource: Mapping[str, Any]) -> bool:
    """Whether a string is the resource's name, in a field for such names, or names something inside the schema."""
    name = str(resource["name"])
    word = kind.removesuffix("s").split("_")[-1]
    if use.text == name:
        # A short name may be any word: the field, or the variable it comes from, must mention the resource's kind.
        variable = " ".join(_VARIABLE.findall(getattr(use.text, "written", "")))
        return word in f"{use.key} {variable}".lower() and not use.key.endswith("_key") and _same_catalog(use, resource)
    masked = _REFERENCE.sub("*", use.text)
    parts = _VOLUME.fullmatch(masked) or _TABLE.fullmatch(masked)
    if parts is None or not _fits(parts[1], resource.get("catalog_name")):
        return False
    if kind == "schemas":
        return parts[2] == name
    return kind == "registered_models" and parts.re is _TABLE and parts[3] == name


def _same_catalog(use: Use, resource: Mapping[str, Any]) -> bool:
    return _fits(str(use.within.get("catalog_name", "*")), resource.get("catalog_name", "*"))


def _fits(catalog: str, other: object) -> bool:
    """Whether two catalogs may be the same: a reference may have any value."""
    return "*" in (_REFERENCE.sub("*", catalog), _REFERENCE.sub("*", str(other))) or catalog == other
