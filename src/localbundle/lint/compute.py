"""Rules on where tasks run: clusters, or serverless environments."""

from localbundle.errors import closest
from localbundle.lint.context import JobContext, Said

_CLUSTERS = ("job_cluster_key", "existing_cluster_id", "new_cluster")
_CLUSTER_SETTINGS = (
    "autoscale", "custom_tags", "data_security_mode", "driver_node_type_id", "init_scripts", "instance_pool_id",
    "node_type_id", "num_workers", "policy_id", "runtime_engine", "spark_conf", "spark_env_vars", "spark_version",
)  # fmt: skip
_DEFINED = {"job_clusters": "job_cluster_key", "environments": "environment_key"}


def cluster_on_serverless(job: JobContext) -> Said:
    """Settings of clusters on a task or an environment that has no cluster."""
    for step in job.steps:
        for field in step.raw if "environment_key" in step.raw else ():
            if field in (*_CLUSTERS, "libraries"):
                mend = "list them in the environment's dependencies" if field == "libraries" else "keep one of the two"
                yield field, f"task {step.key} is serverless (environment_key) and has {field}; {mend}"
    for environment in job.raw.get("environments") or []:
        for field in environment.get("spec") or {}:
            if field in _CLUSTER_SETTINGS:
                yield field, f"environment {environment.get('environment_key')}: {field} is a cluster's; remove it"


def deprecated_client(job: JobContext) -> Said:
    """The old name of an environment's version."""
    for environment in job.raw.get("environments") or []:
        for field in environment.get("spec") or {}:
            if field == "client":
                key = environment.get("environment_key")
                yield field, f"environment {key}: client is deprecated; write environment_version"


def undefined_compute(job: JobContext) -> Said:
    """A cluster or an environment that the job does not define."""
    for defined, field in _DEFINED.items():
        known = job.names(defined, field)
        for step in job.steps:
            name = step.raw.get(field)
            if name is not None and name not in known:
                yield name, f"task {step.key}: job {job.key} defines no {field} {name}; {closest(str(name), known)}"


def unused_compute(job: JobContext) -> Said:
    """A cluster or an environment of the job in which no task runs."""
    for defined, field in _DEFINED.items():
        used = [step.raw.get(field) for step in job.steps]
        for name in job.names(defined, field):
            if name not in used:
                yield name, f"job {job.key}: no task has {field} {name}; remove it from {defined}, or use it"


def no_compute(job: JobContext) -> Said:
    """A Python program without a place to run: only notebooks have one by default."""
    for step in job.steps:
        for kind in step.raw:
            if kind in ("python_wheel_task", "spark_python_task") and not {"environment_key", *_CLUSTERS} & set(
                step.raw
            ):
                yield kind, f"task {step.key} has neither a cluster nor an environment; add environment_key"
