"""The packaged chain's requirements: its libraries and their dependencies, pinned to the versions installed here.

Without pins of indirect dependencies the container would install their newest versions, and a model that works today
would fail in a year.
"""

import json
from collections.abc import Collection, Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ragops.errors import UserError

ANSWERS, LOCAL_LLM = "answers", "local_llm"
"""The extras of this package for answering (without Spark, parsers and torch), and for a small language model in the
same process."""


def pinned_requirements(extras: Collection[str] = (ANSWERS,), package: str = "ragops") -> list[str]:
    """The direct and indirect dependencies of a package with these extras, as NAME==VERSION, sorted.

    The package itself is left out, because its code is in the model. So are dependencies that are not installed here.

    Raises:
        UserError: the package is not installed or has no such extra; or a library was installed from a file, a folder
            or a repository instead of a package index.
    """
    _check(package, extras)
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(f"{package}[{','.join(extras)}]")]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if str(one) in seen:
            continue
        seen.add(str(one))
        try:
            distribution = metadata.distribution(one.name)
        except metadata.PackageNotFoundError:
            continue
        found[canonicalize_name(one.name)] = distribution
        waiting += _applying(distribution.requires, {"", *one.extras})
    found.pop(canonicalize_name(package))
    return [_pin(name, distribution) for name, distribution in sorted(found.items())]


def _check(package: str, extras: Collection[str]) -> None:
    try:
        known = metadata.metadata(package).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        known = []
    missing = {canonicalize_name(extra) for extra in extras} - {canonicalize_name(extra) for extra in known}
    if missing:
        raise UserError(
            f"packaging: {package} is not installed as a package with the extra {', '.join(sorted(missing))}; "
            "install its wheel, or run: make lab"
        )


def _pin(name: str, distribution: metadata.Distribution) -> str:
    """NAME==VERSION without the local part of a version (2.9.0+cu128), because no index has such builds."""
    if origin := distribution.read_text("direct_url.json"):
        url = str(json.loads(origin).get("url", "a folder"))
        raise UserError(
            f"packaging: {name} {distribution.version} was installed from {url}, which a served model cannot read; "
            f"install it from a package index, with: pip install --force-reinstall {name}=={distribution.version}"
        )
    return f"{name}=={Version(distribution.version).public}"


def _applying(lines: list[str] | None, extras: set[str]) -> Iterator[Requirement]:
    for one in map(Requirement, lines or ()):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield one
