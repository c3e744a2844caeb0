"""This process: Python, packages, the runtime, memory and disk; and its Spark session."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from ragops.doctor.findings import Finding, look
from ragops.doctor.udf_worker import parse_one
from ragops.platform.compute import available_memory, has_spark, on_databricks
from ragops.platform.credentials import workspace_client
from ragops.platform.workspace import Workspace

_GIB = 1 << 30
_LEAST_DISK_GIB = 2
_CLOUDS = ("boto3", "azure.storage.filedatalake", "google.cloud.storage")
_SHOWN = ("pyspark", "pandas", "numpy", "pyarrow", "pydantic", "protobuf", "mlflow-skinny", "databricks-sdk", "torch")


def check_process() -> Iterator[Finding]:
    """What this process is and has."""
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("runtime", os.environ.get("DATABRICKS_RUNTIME_VERSION") or "none of Databricks: a laptop")
    yield Finding("ragops", version("ragops"))
    yield Finding("packages", ", ".join(f"{name} {held}" for name in _SHOWN if (held := _version(name))))
    yield requirements(requires("ragops") or ())
    yield Finding("cores", str(os.cpu_count()))
    yield Finding("memory", f"{available_memory() / _GIB:.1f} GiB for this process and what it starts")
    yield disk("temporary folder", Path(tempfile.gettempdir()))
    yield look("shared memory", lambda: f"{_free_gib(Path('/dev/shm')):.1f} GiB free in /dev/shm")
    yield look("working folder", lambda: str(Path.cwd()))
    if importlib.util.find_spec("pebble"):  # where documents are parsed
        yield look("parsers", parse_one, "look at the log: a call that is refused is named", "missing")
    if on_databricks():
        yield from _of_databricks()


def _of_databricks() -> Iterator[Finding]:
    """What nothing here needs, and nobody documents."""
    yield Finding("libGL", ctypes.util.find_library("GL") or "not there")
    yield Finding("C compiler", shutil.which("cc") or "not there")
    yield Finding("cloud storage", ", ".join(filter(_is_importable, _CLOUDS)) or "no library for it")
    yield look("workspace address", lambda: str(workspace_client().config.host))


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def requirements(wanted: tuple[str, ...] | list[str]) -> Finding:
    """Whether what every task needs is here, in versions that fit."""
    base = [one for one in map(Requirement, wanted) if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [f"{one} ({_version(one.name) or 'not installed'})" for one in base if not _fits(one)]
    if not wrong:
        return Finding("requirements", f"all {len(base)} are here")
    to_do = "install the job's file of environments/requirements" if on_databricks() else "make demo, or uv sync"
    return Finding("requirements", f"not here, or of another version: {', '.join(wrong)}", "missing", to_do)


def check_session(workspace: Workspace) -> Iterator[Finding]:
    """Spark's version, its kind and its time zone, which must be UTC. A server that is gone keeps whoever asks."""
    if has_spark():
        yield look("Spark", lambda: _described(workspace), "look at the driver's log", "missing")
    else:
        yield Finding("Spark", "no session here", "unknown", "leave --no-spark out")


def disk(what: str, folder: Path) -> Finding:
    """Free disk below a folder."""
    free = _free_gib(folder)
    found = f"{free:.1f} GiB free in {folder}"
    if free < _LEAST_DISK_GIB:
        return Finding(what, found, "missing", f"make room for {_LEAST_DISK_GIB} GiB; models and indexes are copied")
    return Finding(what, found)


def _described(workspace: Workspace) -> str:
    spark = workspace.spark
    kind = "Spark Connect" if "connect" in type(spark).__module__ else "classic"
    zone = spark.sql("SELECT current_timezone()").collect()[0][0]
    return f"{spark.version}, {kind} session, time zone {zone}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _fits(wanted: Requirement) -> bool:
    held = _version(wanted.name)
    return bool(held) and wanted.specifier.contains(held, prereleases=True)


def _free_gib(folder: Path) -> float:
    return shutil.disk_usage(folder).free / _GIB
