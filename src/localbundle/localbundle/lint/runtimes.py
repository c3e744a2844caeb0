"""The versions that Databricks' runtimes ship of packages that must not be replaced. `refresh` writes the table."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("runtimes.json")
_VERSION = re.compile(r"(?P<release>\d+(?:\.\d+)?)\.(?:x|\d+)(?P<variant>-.+)")
# A version that a policy, an image or an alias chooses.
_CHOSEN = re.compile(r"auto:|custom:|latest|{{")
_SAME_PACKAGES = re.compile("-(?:photon|aarch64)(?=-)")
_SERVERLESS = "serverless-v"


@dataclass(frozen=True)
class Runtime:
    """A runtime by its `spark_version`, or `serverless-vN`: its Python, and the version of each package it ships."""

    name: str
    python: str
    packages: Mapping[str, str]

    @property
    def is_serverless(self) -> bool:
        """Whether it is an environment of serverless compute."""
        return self.name.startswith(_SERVERLESS)


@dataclass(frozen=True)
class Table:
    """All known runtimes by name, and the day they were read."""

    date: str
    runtimes: Mapping[str, Runtime]

    @property
    def releases(self) -> set[str]:
        """The numbers before `.x`."""
        return {release(name) for name in self.runtimes}


def release(name: str) -> str:
    """A runtime's number, `16.4` or `18`; of serverless its whole name."""
    return name.split(".x-")[0]


@cache
def known(file: Path = TABLE) -> Table:
    """The table in a file."""
    content = json.loads(file.read_text("utf-8"))
    rows = {name: {**content["added"].get(release(name), {}), **row} for name, row in content["runtimes"].items()}
    return Table(content["date"], {name: Runtime(name, row.pop("python"), row) for name, row in rows.items()})


def runtime_of_cluster(spec: Mapping[str, Any]) -> str | None:
    """The runtime of a cluster, under the name that it has in the table, whether the table has it or not.

    None if the bundle does not say: a custom image, a version that a policy or an unresolved variable gives, an ML
    runtime that Databricks chooses.
    """
    written = str(spec.get("spark_version") or "")
    if (
        not written
        or "${" in written
        or _CHOSEN.match(written)
        or spec.get("docker_image")
        or spec.get("use_ml_runtime")
    ):
        return None
    match = _VERSION.fullmatch(written)
    if match is None:
        return written
    number, variant = match["release"], _SAME_PACKAGES.sub("", match["variant"])
    # From 18 on, one entry covers all minor versions of a release.
    line = number if number in known().releases else number.split(".")[0]
    return f"{line if line in known().releases else number}.x{variant}"


def runtime_of_environment(spec: Mapping[str, Any]) -> str | None:
    """The name in the table of a serverless environment; None if a base environment or nothing is given."""
    version = spec.get("environment_version", spec.get("client"))
    return None if version is None or "${" in str(version) else f"{_SERVERLESS}{version}"
