"""The compute that this process runs on: Databricks or not, what it offers, and how much memory it has.

The package `platform` is the only code that may ask whether it runs on Databricks.
"""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

_SERVING_VARIABLES = ("IS_IN_DB_MODEL_SERVING_ENV", "IS_IN_DATABRICKS_MODEL_SERVING_ENV")
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def on_databricks() -> bool:
    """True on any Databricks compute, in the container of a serving endpoint, and in an App."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ or in_model_serving() or in_app()


def in_model_serving() -> bool:
    """True in the container of a serving endpoint, by the variables that MLflow and the SDK check."""
    return any(os.environ.get(name, "").lower() in ("true", "1") for name in _SERVING_VARIABLES)


def in_app() -> bool:
    """True in a Databricks App, by the variables that the platform sets there."""
    return "DATABRICKS_APP_NAME" in os.environ and "DATABRICKS_APP_PORT" in os.environ


def has_only_remote_volumes() -> bool:
    """Whether volumes are reached by requests only: behind an endpoint and in an App. There is no Spark either."""
    return in_model_serving() or in_app()


def on_serverless() -> bool:
    """True on serverless compute, where Spark's Python workers are too small for whole documents and for endpoints.

    There they have 1 GB in total, no network, and a file system of their own. Serverless compute calls its version
    "client.5.2" and the like, clusters theirs "18.1". A version of neither form counts as serverless: the work then
    runs in this process, which is possible everywhere.
    """
    version = os.environ.get("DATABRICKS_RUNTIME_VERSION")
    return version is not None and not version[:1].isdigit()


def has_spark() -> bool:
    """Whether a Spark session is available without starting anything."""
    return (on_databricks() and not has_only_remote_volumes()) or "SPARK_REMOTE" in os.environ


def available_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or less by its cgroups or hard resource limits."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        cgroups = _OWN_CGROUPS.read_text()
    except OSError:  # not Linux
        cgroups = ""
    return min([total, *cgroup_limits(cgroups, _CGROUPS), *_resource_limits()])


def cgroup_limits(cgroups: str, mounted: Path) -> Iterator[int]:
    """Memory limits in bytes of a process's cgroups and of their parents, for cgroups of version 1 and 2.

    Args:
        cgroups: the process's list, as in /proc/self/cgroup.
        mounted: the folder where cgroups are mounted.
    """
    for line in cgroups.splitlines():
        _, *parted = line.split(":", 2)
        if len(parted) < 2:  # not a line that the kernel writes
            continue
        controllers, path = parted
        if not controllers:
            for root in (mounted, mounted / "unified"):
                yield from _limits_upwards(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_upwards(mounted / "memory", path, "memory.limit_in_bytes")


def _limits_upwards(root: Path, path: str, name: str) -> Iterator[int]:
    """In a container the path may be the host's and not exist: then only the root, which is the container's, counts."""
    inside = os.path.normpath(f"/{path}").lstrip("/")
    for folder in (root / inside, *(root / parent for parent in Path(inside).parents)):
        try:
            limit = (folder / name).read_text().strip()
        except OSError:
            continue
        if limit.isdecimal():  # "max" means no limit
            yield int(limit)


def _resource_limits() -> Iterator[int]:
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        try:
            _, hard = resource.getrlimit(kind)
        except OSError:  # refused
            continue
        if hard != resource.RLIM_INFINITY:
            yield hard
