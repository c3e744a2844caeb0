"""All groups of checks of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragops.doctor.findings import Finding, Group
from ragops.doctor.machine import check_gpus, check_laptop, check_process, check_session, is_strict
from ragops.doctor.models import check_embedding, check_language_models, check_secrets, needed_secrets
from ragops.doctor.registry import check_registry
from ragops.doctor.udfs import check_udfs
from ragops.doctor.volumes import check_landing, check_volume
from ragops.platform.compute import on_databricks, on_serverless
from ragops.platform.workspace import INDEXES, Workspace
from ragops.usecase import UseCase


@dataclass(frozen=True)
class Environment:
    """The environment to check.

    Attributes:
        workspace: catalog and schema.
        use_case: with the target's language model as the primary one.
        landing: the folder of documents, as jobs write it.
        target: the bundle's, which has its own folder on a laptop.
        gpus: whether GPUs are required.
    """

    workspace: Workspace
    use_case: UseCase
    landing: str
    target: str = "dev"
    gpus: bool = False


def groups(environment: Environment) -> list[Group]:
    """All groups, from those that cost nothing to those that take a minute."""
    workspace, use_case = environment.workspace, environment.use_case
    # On serverless compute the notebook's process parses documents; the GPU cluster does not parse at all.
    parses = not (environment.gpus or on_serverless())
    laptop = [] if on_databricks() else [Group("Laptop", lambda: check_laptop(environment.target))]
    return [
        Group("This process", check_process, 120),
        *laptop,
        Group("Spark", lambda: check_session(workspace), 120),
        Group("Embedding model", lambda: check_embedding(use_case.embedding, workspace)),
        Group("Language models", lambda: check_language_models(use_case.models, workspace), 150),
        Group("Secrets", lambda: check_secrets(workspace, needed_secrets(use_case.models))),
        Group("Volumes", lambda: _volumes(environment)),
        Group("Registry", lambda: check_registry(workspace, environment.target), 120),
        Group("GPUs", lambda: check_gpus(workspace, environment.gpus), 120),
        Group("UDFs", lambda: _udfs(environment, parses), 180),
    ]


def _udfs(environment: Environment, parses: bool) -> Iterator[Finding]:
    landing = environment.workspace.path(environment.landing)
    yield from check_udfs(environment.workspace, landing, environment.use_case.embedding, parses)


def _volumes(environment: Environment) -> Iterator[Finding]:
    yield check_landing(environment.workspace.path(environment.landing))
    yield from check_volume(environment.workspace.volume(INDEXES), on_databricks() or is_strict())
