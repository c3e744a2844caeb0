"""The files of a bundle as one mapping: databricks.yml and what it includes."""

import glob
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.merge import merge
from localbundle.definitions.normalize import Normalizer
from localbundle.definitions.references import LAPTOP_FILE, REFERENCE
from localbundle.definitions.target import full_overrides
from localbundle.definitions.yamlfile import Text, error_at, location, read_yaml
from localbundle.errors import BundleError, Report

ROOT_FILE = "databricks.yml"
SHARED_KEY = "shared-key"
_IGNORED_INCLUDE = "ignored-include"
_SUFFIXES = (".yml", ".yaml", ".json")


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that contains a bundle.

    Raises:
        BundleError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / ROOT_FILE).is_file():
            return folder
    raise BundleError(f"no {ROOT_FILE} in {start} or above it; change to a bundle's folder")


def read_files(root: Path, report: Report) -> dict[str, Any]:
    """databricks.yml with the files that it includes merged into it, each value of its field's type.

    Raises:
        BundleError: a file is missing, is not YAML, or does not fit to another one.
    """
    normalizer = Normalizer(root, report)
    first = normalizer.section(full_overrides(read_yaml(root / ROOT_FILE)), "root") or {}
    parts = [first]
    for file in _included(root, first.pop("include", None) or []):
        part = normalizer.section(full_overrides(read_yaml(file)), "root") or {}
        if key := next((key for key in part if key == "include"), None):
            message = f"include counts in {ROOT_FILE} only; move it there"
            report(error_at(key, root, message, rule=_IGNORED_INCLUDE))
        part.pop("include", None)
        parts.append(part)
    for error in _shared_keys(parts, root):
        report(error)
    config: dict[str, Any] = {}
    for part in parts:
        config = merge(config, part, root)
    if "environments" in config:  # the old name of `targets`
        config.setdefault("targets", config.pop("environments"))
    return config


def _included(root: Path, patterns: list[str]) -> list[Path]:
    """The files that the patterns match, in the order of the patterns, then of their names."""
    seen = {root / ROOT_FILE, root / LAPTOP_FILE}  # a glob over environments/ must not include the laptop's values
    found = []
    for pattern in patterns:
        if Path(pattern).is_absolute():
            raise error_at(pattern, root, f"include {pattern} is absolute; write it relative to {ROOT_FILE}")
        # `**` is one `*`: it matches one folder, as in the Databricks CLI.
        files = sorted(root / name for name in glob.glob(pattern.replace("**", "*"), root_dir=root))
        if not files and not re.search(r"[*?\[]", pattern):
            raise error_at(pattern, root, f"include {pattern} matches no file; create it or remove the line")
        for file in files:
            if file in seen:
                continue
            if file.suffix not in _SUFFIXES:
                message = f"include {pattern} matches {file.name}, which is neither YAML nor JSON; narrow the pattern"
                raise error_at(pattern, root, message)
            seen.add(file)
            found.append(file)
    return found


def _shared_keys(parts: list[Mapping[str, Any]], root: Path) -> Iterator[BundleError]:
    """An error for each key that two resources or scripts have, in one file or in two."""
    seen: dict[str, tuple[str, Text | str]] = {}
    for what, key in (entry for part in parts for entry in _keys(part)):
        if REFERENCE.search(key):
            yield error_at(key, root, f"{what} {key}: a key cannot contain a reference; write its value")
        if key in seen:
            other, origin = seen[key]
            file, line = location(origin, root)
            where = f"{other}.{key} in {file}:{line}" if file else f"{other}.{key}"
            yield error_at(
                key, root, f"{what}.{key} and {where} share a key, which the CLI refuses; rename one", rule=SHARED_KEY
            )
        seen.setdefault(key, (what, key))


def _keys(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, entries in (part.get("resources") or {}).items():
        for key in entries or {}:
            yield str(kind), key
    for key in part.get("scripts") or {}:
        yield "scripts", key
