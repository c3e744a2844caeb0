"""How much memory a parser may have: what the card allows, or what is left of this place, if that is less."""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from ragops.documents.limits import MIB

SERVERLESS_UDF_BYTES = 1024 * MIB
"""What user code in a UDF of serverless compute may have in all, by its documentation; not to be seen from inside."""
_FORK_SERVER_BYTES = 32 * MIB  # with the resource tracker of multiprocessing: 17 MiB are theirs alone, 34 resident
_LEAST_BYTES = 256 * MIB  # with less no parser starts at all

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Place:
    """Where a refresh runs, as its driver sees it."""

    memory_bytes: int
    serverless: bool

    @classmethod
    def here(cls) -> "Place":
        """This process's place."""
        # Serverless compute calls its version "client.4.9" and the like, clusters theirs "17.3".
        return cls(memory_of_place(), os.environ.get("DATABRICKS_RUNTIME_VERSION", "").startswith("client."))


@dataclass(frozen=True)
class MemoryLimit:
    """What one parser may have; `place_bytes`: the memory of the place, where that is what limits it."""

    limit_bytes: int
    place_bytes: int | None = None

    @property
    def reason(self) -> str:
        """Why a document that needs more has failed."""
        reason = f"needs more than {self.limit_bytes // MIB:,} MiB of memory"
        if self.place_bytes is None:
            return reason
        return f"{reason}, all that is left of the {self.place_bytes // MIB:,} MiB here; run this where there is more"


def memory_limit(configured: int, place: int, used: int, workers: int) -> MemoryLimit:
    """The limit of each of several parsers, in a place of which its owner uses some."""
    left = max((place - used) // workers, _LEAST_BYTES)
    return MemoryLimit(configured) if configured <= left else MemoryLimit(left, place)


def memory_used() -> int:
    """What this process and the one that forks its parsers need."""
    return int(psutil.Process().memory_info().rss) + _FORK_SERVER_BYTES


def memory_of_place() -> int:
    """The machine's memory, or what this process may have of it, by its cgroups or its hard resource limits."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        cgroups = _OWN_CGROUPS.read_text()
    except OSError:  # not Linux
        cgroups = ""
    return min([total, *cgroup_limits(cgroups, _CGROUPS), *_resource_limits()])


def cgroup_limits(cgroups: str, mounted: Path) -> Iterator[int]:
    """Limits of the cgroups in a process's list (/proc/self/cgroup) and of those above them, both versions."""
    for line in cgroups.splitlines():
        _, *parted = line.split(":", 2)
        if len(parted) < 2:  # none of the kernel's
            continue
        controllers, path = parted
        if not controllers:
            for root in (mounted, mounted / "unified"):
                yield from _limits_upwards(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_upwards(mounted / "memory", path, "memory.limit_in_bytes")


def _limits_upwards(root: Path, path: str, name: str) -> Iterator[int]:
    """In a container the path may be the host's, which is not there: then only the root, the container's own, is."""
    inside = os.path.normpath(f"/{path}").lstrip("/")
    for folder in (root / inside, *(root / parent for parent in Path(inside).parents)):
        try:
            limit = (folder / name).read_text().strip()
        except OSError:
            continue
        if limit.isdecimal():  # "max" is none
            yield int(limit)


def _resource_limits() -> Iterator[int]:
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        try:
            _, hard = resource.getrlimit(kind)
        except OSError:  # refused
            continue
        if hard != resource.RLIM_INFINITY:
            yield hard
