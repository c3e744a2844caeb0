"""The machine: this process, its Spark session, GPUs, and on a laptop what replaces the workspace."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from ragops.corpus.embeddings import gpus
from ragops.corpus.embeddings.interface import Device
from ragops.doctor.findings import Finding, look
from ragops.doctor.udf_worker import parse_one
from ragops.platform.compute import available_memory, has_spark, on_databricks
from ragops.platform.credentials import workspace_client
from ragops.platform.deployment import deployed_workspace
from ragops.platform.merge import parallelism
from ragops.platform.workspace import Workspace, find_local_home

_GIB = 1 << 30
_LEAST_DISK_GIB = 2
_CLOUDS = ("boto3", "azure.storage.filedatalake", "google.cloud.storage")
_SHOWN = ("pyspark", "pandas", "numpy", "pyarrow", "pydantic", "protobuf", "mlflow-skinny", "databricks-sdk", "torch")
_GPU_FIX = "use a GPU cluster with a matching runtime, or set encoder=openvino"


def check_process() -> Iterator[Finding]:
    """Versions, packages, memory, disk and parsers of this process."""
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("runtime", os.environ.get("DATABRICKS_RUNTIME_VERSION") or "not on Databricks")
    yield Finding("ragops", version("ragops"))
    yield Finding("packages", ", ".join(f"{name} {installed}" for name in _SHOWN if (installed := _version(name))))
    yield requirements(requires("ragops") or ())
    yield Finding("cores", str(os.cpu_count()))
    yield Finding("memory", f"{available_memory() / _GIB:.1f} GiB for this process and its children")
    yield disk("temporary folder", Path(tempfile.gettempdir()))
    yield look("shared memory", lambda: f"{_free_gib(Path('/dev/shm')):.1f} GiB free in /dev/shm")
    yield look("working folder", lambda: str(Path.cwd()))
    if importlib.util.find_spec("pebble"):  # where documents are parsed
        yield look("parsers", parse_one, "see the log: it names the call that was refused", "missing")
    if on_databricks():
        yield from _undocumented()


def requirements(wanted: tuple[str, ...] | list[str]) -> Finding:
    """Whether the packages that every task needs are installed, in matching versions."""
    base = [one for one in map(Requirement, wanted) if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [f"{one} ({_version(one.name) or 'not installed'})" for one in base if not _fits(one)]
    if not wrong:
        return Finding("requirements", f"all {len(base)} installed")
    fix = "install the job's file of environments/requirements" if on_databricks() else "make demo, or uv sync"
    return Finding("requirements", f"missing, or a different version: {', '.join(wrong)}", "missing", fix)


def check_session(workspace: Workspace) -> Iterator[Finding]:
    """Spark's version, its kind, and its time zone, which must be UTC. Blocks if the server is gone."""
    if has_spark():
        yield look("Spark", lambda: _described(workspace), "see the driver's log", "missing")
    else:
        yield Finding("Spark", "no Spark session", "unknown", "run this without --no-spark")


def disk(what: str, folder: Path) -> Finding:
    """Free disk space in a folder."""
    free = _free_gib(folder)
    found = f"{free:.1f} GiB free in {folder}"
    if free < _LEAST_DISK_GIB:
        return Finding(what, found, "missing", f"free {_LEAST_DISK_GIB} GiB; models and indexes are copied there")
    return Finding(what, found)


def check_laptop(target: str) -> Iterator[Finding]:
    """What replaces a workspace on a laptop: Java, localbundle, the target's folder, strict volumes."""
    java = os.environ.get("JAVA_HOME") or shutil.which("java")
    yield Finding("Java", java or "not on PATH; localbundle downloads it when it first starts Spark")
    command = shutil.which("localbundle", path=str(Path(sys.executable).parent)) or shutil.which("localbundle")
    yield Finding(
        "localbundle", command or "not installed", "ok" if command else "missing", "" if command else "make demo"
    )
    home, run = find_local_home(target), f"localbundle run refresh -t {target}"
    if home is None:
        yield Finding("local workspace", f"none for target {target}", "missing", run)
        return
    yield look(f"target {home.name}", lambda: f"catalog and schema {_schema(target)}, in {home}", run, "missing")
    yield disk("disk of the workspace", home)
    running = "SPARK_REMOTE" in os.environ or (home / "server.json").is_file()
    yield Finding("Spark server", "running" if running else "not running; each command starts one: localbundle up")
    yield Finding("strict volumes", "on" if is_strict() else "off here; on inside localbundle run and exec")


def is_strict() -> bool:
    """Whether the folders of local volumes refuse, in this process, the calls that a volume refuses."""
    return bool(os.environ.get("LOCALBUNDLE_STRICT_VOLUMES"))


def check_gpus(workspace: Workspace, required: bool) -> Iterator[Finding]:
    """A row for each GPU that ran a kernel: of all tasks where GPUs are required, else of this process."""
    if importlib.util.find_spec("torch") is None:
        found = "torch is not installed; models run on the CPU"
        yield Finding("GPUs", found, "missing" if required else "ok", _GPU_FIX if required else "")
    elif required and has_spark():
        slots = parallelism(workspace)
        found_gpus = {(one.host, one.device): one for one in gpus.look_everywhere(workspace.spark, slots)}
        yield Finding("concurrent tasks", str(slots))
        yield from (_gpu(one, required) for one in found_gpus.values())
    else:
        yield _gpu(gpus.look(lambda: Device(0)), required)


def _undocumented() -> Iterator[Finding]:
    """Properties of Databricks compute that nothing here needs and that are not documented."""
    yield Finding("libGL", ctypes.util.find_library("GL") or "not found")
    yield Finding("C compiler", shutil.which("cc") or "not found")
    yield Finding("cloud storage", ", ".join(filter(_is_importable, _CLOUDS)) or "no library installed")
    yield look("workspace address", lambda: str(workspace_client().config.host))


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package
        return False


def _described(workspace: Workspace) -> str:
    spark = workspace.spark
    kind = "Spark Connect" if "connect" in type(spark).__module__ else "classic"
    zone = spark.sql("SELECT current_timezone()").collect()[0][0]
    return f"{spark.version}, {kind} session, time zone {zone}"


def _schema(target: str) -> str:
    workspace = deployed_workspace(target)
    return f"{workspace.catalog}.{workspace.schema}"


def _gpu(one: gpus.FoundGpu, required: bool) -> Finding:
    torch = f"torch {one.torch} for CUDA {one.cuda}, driver {one.driver or 'none'}"
    if problem := gpus.why_unusable(one):
        found = f"not usable ({problem}); {torch}"
        return Finding(f"GPU of {one.host}", found, "missing" if required else "ok", _GPU_FIX if required else "")
    return Finding(f"GPU of {one.host}", f"{one.name} ({one.device}) works; {torch}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _fits(wanted: Requirement) -> bool:
    installed = _version(wanted.name)
    return bool(installed) and wanted.specifier.contains(installed, prereleases=True)


def _free_gib(folder: Path) -> float:
    return shutil.disk_usage(folder).free / _GIB
