"""Rules on names: variables, and names of resources, which development mode prefixes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.bundle_references import Resolver
from localbundle.definitions.presets import PREFIXED_KINDS
from localbundle.lint.rule import Said, Use, texts

_VARIABLE = re.compile(r"\$\{(?:var|variables)\.([\w-]+)")
_REFERENCE = re.compile(r"\$\{[^}]*\}|\{\{[^}]*\}\}")
_VOLUME = re.compile(r"(?:dbfs:)?/Volumes/([^/]+)/([^/]+)(?:/.*)?")
_TABLE = re.compile(r"([\w*-]+)\.([\w*-]+)(?:\.([\w*-]+))?")


def unused_variable(bundle: Bundle) -> Said:
    """A variable that no file of the bundle cites. Code that makes resources may use any."""
    used = {name for use in texts(bundle.raw) for name in _VARIABLE.findall(use.text)}
    for name in bundle.raw["variables"] if "python" not in bundle.raw else ():
        if name not in used:
            yield name, f"variable {name} is declared and never used; remove it, or cite ${{var.{name}}}"


def shared_key(bundle: Bundle) -> Said:
    """Two resources of different kinds with one key, which the real CLI refuses."""
    seen: dict[str, str] = {}
    for kind, entries in bundle.config["resources"].items():
        for key in entries or {}:
            if key in seen:
                yield key, f"{kind}.{key} and {seen[key]}.{key} share a key, which deploying refuses; rename one"
            seen[key] = kind


def unprefixed_name(bundle: Bundle) -> Said:
    """A resource's name typed again: where a target prefixes names, that is another name."""
    if not any(_prefixes(layer) for layer in (bundle.raw, *bundle.raw["targets"].values())):
        return
    # Errors are said elsewhere. References to resources are right and stay.
    resolver = Resolver(bundle.raw, bundle.root, ("resources",), refuse=lambda error: None)
    resources = resolver.resolve(bundle.raw["resources"])
    uses = list(texts(resources))
    for kind, key, resource in _prefixed(resources):
        for use in uses:
            if use.within is not resource and _spells(use, kind, resource):
                cite = f"${{resources.{kind}.{key}.name}}"
                yield use.text, f"{use.key} spells the name of {kind}.{key}, which development prefixes; write {cite}"


def _prefixes(layer: Mapping[str, Any] | None) -> bool:
    layer = layer or {}
    return layer.get("mode") == "development" or bool((layer.get("presets") or {}).get("name_prefix"))


def _prefixed(resources: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in PREFIXED_KINDS:
        for key, resource in (resources.get(kind) or {}).items():
            name = (resource or {}).get("name")
            if isinstance(name, str) and "${" not in name:
                yield kind, key, resource


def _spells(use: Use, kind: str, resource: Mapping[str, Any]) -> bool:
    """Whether a string is the name, where such a name is wanted, or names a thing inside the schema or the model."""
    name = str(resource["name"])
    word = kind.removesuffix("s").split("_")[-1]
    if use.text == name:
        # A short name is a word like any other: the field, or the variable it comes from, must speak of the kind.
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
    """Whether two catalogs may be the same: a reference may be any."""
    return "*" in (_REFERENCE.sub("*", catalog), _REFERENCE.sub("*", str(other))) or catalog == other
