"""Rules on where tasks run: clusters, or serverless environments."""

import difflib
import re

from localbundle.errors import closest
from localbundle.lint.rule import JobContext, Messages, Note
from localbundle.lint.runtimes import known, release, runtime_of_cluster, runtime_of_environment

_CLUSTERS = ("job_cluster_key", "existing_cluster_id", "new_cluster")
# Only families that are known to have GPUs, or known to have none; other nodes are not checked.
_GPU_NODES = re.compile(
    r"(?:g4dn|g5g?|g6[ef]?|gr6f?|g7e|p2|p3(?:dn)?|p4de?|p5e?n?|p6-\w+)\.|Standard_N[CDV]|(?:a2|a3|a4x?|g2|g4)-"
)
_CPU_NODES = re.compile(
    r"(?:[cmr][4-8][a-z]*(?:-flex)?|[cmr]g?d?-fleet|i3(?:en)?|i[48]\w+|i7ie?|d[23](?:en)?|x2\w+|z1d|t[23]a?)\."
    r"|Standard_(?:B|DC?|E[BC]?|FX?|L|M)S?\d|(?:e2|n2d?|n4|c2d?|c3d?|c4a?|t2d|z3)-"
)
_DEFINED = {"job_clusters": "job_cluster_key", "environments": "environment_key"}


def cluster_on_serverless(job: JobContext) -> Messages:
    """Settings of clusters on a task that has no cluster."""
    for step in job.steps:
        for field in step.raw if "environment_key" in step.raw else ():
            if field in (*_CLUSTERS, "libraries"):
                fix = "list them in the environment's dependencies" if field == "libraries" else "keep one of the two"
                yield field, f"task {step.key} is serverless (environment_key) and has {field}; {fix}"


def deprecated_client(job: JobContext) -> Messages:
    """The old field for an environment's version."""
    for environment in job.raw.get("environments") or []:
        for field in environment.get("spec") or {}:
            if field == "client":
                key = environment.get("environment_key")
                yield field, f"environment {key}: client is deprecated; write environment_version"


def undefined_compute(job: JobContext) -> Messages:
    """A cluster or an environment that the job does not define."""
    for defined, field in _DEFINED.items():
        known = job.names(defined, field)
        for step in job.steps:
            name = step.raw.get(field)
            if name is not None and name not in known:
                yield name, f"task {step.key}: job {job.key} defines no {field} {name}; {closest(str(name), known)}"


def unused_compute(job: JobContext) -> Messages:
    """A cluster or an environment of the job in which no task runs."""
    for defined, field in _DEFINED.items():
        used = [step.raw.get(field) for step in job.steps]
        for name in job.names(defined, field):
            if name not in used:
                yield name, f"job {job.key}: no task has {field} {name}; remove it from {defined}, or use it"


def no_compute(job: JobContext) -> Messages:
    """A Python program without compute: only notebooks have compute by default."""
    for step in job.steps:
        for kind in step.raw:
            if kind in ("python_wheel_task", "spark_python_task") and not {"environment_key", *_CLUSTERS} & set(
                step.raw
            ):
                yield kind, f"task {step.key} has neither a cluster nor an environment; add environment_key"


def unknown_runtime(job: JobContext) -> Messages:
    """A runtime that is not in the table: misspelled if others of its release are, else too old or too new."""
    table = known()
    found = [(spec.get("spark_version"), "runtime", runtime_of_cluster(spec)) for spec in job.clusters]
    for spec in job.environments:
        version = spec.get("environment_version", spec.get("client"))
        found.append((version, "environment_version", runtime_of_environment(spec)))
    for written, what, name in found:
        if name and name not in table.runtimes:
            nearest = ", ".join(difflib.get_close_matches(name, table.runtimes, n=3, cutoff=0))
            text = f"{what} {written} is not in the table of {table.date}; nearest: {nearest}; "
            is_misspelt = release(name) in table.releases or ".x-" not in name and not name.startswith("serverless")
            yield written, f"{text}correct it" if is_misspelt else Note(f"{text}its packages are not checked")


def wrong_runtime(job: JobContext) -> Messages:
    """A GPU runtime on nodes without GPUs, or the reverse."""
    for spec in job.clusters:
        version, node = spec.get("spark_version"), str(spec.get("node_type_id"))
        if ".x-" not in (runtime_of_cluster(spec) or ""):  # not given, or `unknown_runtime` reports it
            continue
        is_gpu_runtime = "-gpu-" in str(version)
        if is_gpu_runtime and _CPU_NODES.match(node):
            yield version, f"runtime {version} is for GPUs and node {node} has none; use a -cpu- runtime or a GPU node"
        elif not is_gpu_runtime and _GPU_NODES.match(node):
            yield (
                version,
                f"node {node} has GPUs and runtime {version} is for CPUs; use a -gpu-ml- runtime or a CPU node",
            )
