"""What the packaged chain needs where it is served: libraries and all that those need, at the versions at work here.

What is only named by a library arrives there at whatever version is the newest then: a model that answers today would
fail in a year.
"""

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ragops.errors import UserError

EXTRA = "answers"
"""The extra of this package that names what answering takes: neither Spark, nor parsers, nor torch."""


def pinned_requirements(package: str = "ragops", extra: str = EXTRA) -> list[str]:
    """Each library that an extra of a package takes, directly or not, as NAME==VERSION, sorted.

    What is not installed here is left out: then it is not needed here either.

    Raises:
        UserError: the package is not installed, or has no such extra.
    """
    found: dict[str, str] = {}
    waiting = _direct(package, extra)
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
        found[canonicalize_name(one.name)] = distribution.version
        waiting += _applying(distribution.requires, {"", *one.extras})
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _direct(package: str, extra: str) -> list[Requirement]:
    try:
        lines = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        lines = []
    own = [Requirement(line) for line in lines]
    direct = [one for one in own if _is_of(one, extra)]
    if not direct:
        raise UserError(
            f"packaging: {package} is not installed as a package with the extra {extra}; "
            "install its wheel, or run: make lab"
        )
    return direct


def _is_of(one: Requirement, extra: str) -> bool:
    """Whether a requirement is the extra's own, not one that the package has anyway."""
    marker = one.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _applying(lines: list[str] | None, extras: set[str]) -> Iterator[Requirement]:
    for one in map(Requirement, lines or ()):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield one
