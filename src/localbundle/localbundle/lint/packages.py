"""Rules on packages: what a task installs exists, and does not replace what its runtime was tested with."""

import re
from collections.abc import Iterator
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from localbundle.definitions.yamlfile import Text, absolute_path, located_like
from localbundle.lint.requirements import WHEEL, required, requirements_files
from localbundle.lint.rule import JobContext, Messages, Note
from localbundle.lint.runtimes import Runtime, known, runtime_of_cluster, runtime_of_environment
from localbundle.lint.wheels import projects

# torch 2.6.0+cu124 is a build of 2.6.0; the table contains releases only.
_CUDA_SINCE = (("2.11", 13), ("2.1", 12), ("0", 11))
_INTENDED = re.compile(r"\s#\s*replaces\s+(?P<shipped>[^\s:]+):(?P<reason>.*\S.*)")
_BUILD = re.compile(r"\+[\w.]+")


def replaced_package(job: JobContext) -> Messages:
    """A direct requirement that excludes the version in the runtime it is installed on.

    A note where the requirements file says that this is intended: `NAME==NEW  # replaces OLD: the reason`.
    """
    for runtime, line in _installed(job):
        if runtime is None:
            continue
        for text, requirement in required(job.bundle, line):
            if replaced := replaces(requirement, runtime):
                wanted = f" @ {requirement.url}" if requirement.url else requirement.specifier
                if why := intended(text, runtime.packages.get(canonicalize_name(requirement.name), "")):
                    shipped = replaced.partition(";")[0]
                    yield text, Note(f"{requirement.name}{wanted} replaces {shipped}, as intended: {why}")
                else:
                    yield text, f"{requirement.name}{wanted} replaces {replaced}"


def intended(text: str, shipped: str) -> str:
    """The reason that a line of a requirements file gives for replacing this version; "" if it gives none."""
    found = _INTENDED.search(text.written) if isinstance(text, Text) else None
    return found["reason"].strip() if found and found["shipped"] == shipped else ""


def missing_requirements(job: JobContext) -> Messages:
    """A requirements file or a base environment of the bundle that does not exist."""
    for spec in job.environments:
        base = job.base_environment(spec)
        if base and not base.is_file():
            where = base.relative_to(job.bundle.root)
            yield spec["base_environment"], f"base environment {where} does not exist; create it or correct the path"
    for _, line in _installed(job):
        for text, file in requirements_files(job.bundle, line):
            if not file.is_file():
                where = file.relative_to(job.bundle.root)
                yield text, f"requirements file {where} does not exist; create it or correct the path"


def missing_wheel(job: JobContext) -> Messages:
    """A wheel in the bundle's folder that does not exist and that no artifact builds: a deployment would fail."""
    dists = {folder / "dist" for folder in projects(job.bundle)}
    for _, line in _installed(job):
        match = WHEEL.fullmatch(line)
        file = (
            absolute_path(located_like(line, match["path"]), job.bundle.root) if match and "://" not in line else None
        )
        is_ours = file and file.is_relative_to(job.bundle.root) and file.parent not in dists
        if file and is_ours and not any(file.parent.glob(file.name)):
            where = file.relative_to(job.bundle.root)
            yield line, Note(f"no artifact builds {where}, and the file does not exist; build it before you deploy")


def replaces(requirement: Requirement, runtime: Runtime) -> str | None:
    """The package of the runtime that a requirement replaces, and the fix; None if it replaces none."""
    name = canonicalize_name(requirement.name)
    if requirement.marker and not requirement.marker.evaluate(_environment(runtime)):
        return None
    if name in ("pyspark", "databricks-connect") and runtime.is_serverless:
        return f"the PySpark of Databricks Connect, which runs in {runtime.name}; leave it out"
    shipped = runtime.packages.get(name)
    specifier = SpecifierSet(_BUILD.sub("", str(requirement.specifier)))
    if shipped is None:
        return None
    if requirement.url:  # pip installs it whatever its version is
        return f"the runtime's {name} {shipped} ({runtime.name}); leave it out"
    if name == "torch" and (cuda := _other_cuda(str(requirement.specifier), shipped)):
        return f"the runtime's torch {shipped}, which is for CUDA {cuda} like its driver ({runtime.name}); leave it out"
    if specifier.contains(shipped, prereleases=True):
        return None
    return f"the runtime's {name} {shipped} ({runtime.name}); leave it out or allow {shipped}"


def _other_cuda(specifier: str, shipped: str) -> int | None:
    """The major version of CUDA that the runtime's torch is built for, if a build for another one is pinned."""
    build = re.search(r"\+cu(\d\d)", specifier)
    # PyPI's torch and the runtimes' drivers are for this version.
    own = next(cuda for since, cuda in _CUDA_SINCE if Version(shipped) >= Version(since))
    return own if build and int(build[1]) != own else None


def _environment(runtime: Runtime) -> dict[str, str]:
    """The values that markers are evaluated with."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{runtime.python}.0",
        "python_version": runtime.python,
        "sys_platform": "linux",
    }


def _installed(job: JobContext) -> Iterator[tuple[Runtime | None, str]]:
    """Each line for pip with the runtime it is installed on; None if that is unknown."""
    for spec in job.environments:
        runtime = known().runtimes.get(runtime_of_environment(spec) or "")
        yield from ((runtime, line) for line in spec.get("dependencies") or [] if isinstance(line, str))
    for step in job.steps:
        runtime = known().runtimes.get(runtime_of_cluster(job.cluster(step)) or "")
        yield from ((runtime, line) for line in map(_line, step.raw.get("libraries") or []) if line)


def _line(library: dict[str, Any]) -> str | None:
    """A library of a cluster as a line for pip; None for libraries of other languages."""
    match library:
        case {"requirements": str(path)}:
            return located_like(path, f"-r {path}")
        case {"whl": str(line)} | {"pypi": {"package": str(line)}}:
            return line
    return None
