"""How much memory there is where this process runs."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


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
