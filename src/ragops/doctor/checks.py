"""All groups of checks of one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragops.doctor.findings import Finding, Group
from ragops.doctor.gpus import check_gpus
from ragops.doctor.laptop import check_laptop, is_strict
from ragops.doctor.models import check_embedding, check_language_models, wants_secrets
from ragops.doctor.process import check_process, check_session
from ragops.doctor.registry import check_registry
from ragops.doctor.secrets import check_secrets
from ragops.doctor.udfs import check_udfs
from ragops.doctor.volumes import check_landing, check_volume
from ragops.platform.compute import on_databricks, on_serverless
from ragops.platform.workspace import INDEXES, Workspace
from ragops.usecase import UseCase


@dataclass(frozen=True)
class Place:
    """What is looked at.

    Attributes:
        workspace: catalog and schema.
        use_case: with its target's model as the primary one.
        landing: the folder of documents, as jobs write it.
        target: the bundle's, whose folder a laptop has.
        gpus: whether there must be GPUs here.
    """

    workspace: Workspace
    use_case: UseCase
    landing: str
    target: str = "dev"
    gpus: bool = False


def groups(place: Place) -> list[Group]:
    """What is looked at, from what costs nothing to what takes a minute."""
    workspace, use_case = place.workspace, place.use_case
    # On serverless compute the notebook's process parses; the GPU cluster does not parse at all.
    parses = not (place.gpus or on_serverless())
    laptop = [] if on_databricks() else [Group("Laptop", lambda: check_laptop(place.target))]
    return [
        Group("This process", check_process, 120),
        *laptop,
        Group("Spark", lambda: check_session(workspace), 120),
        Group("Embedding model", lambda: check_embedding(use_case.embedding, workspace)),
        Group("Language models", lambda: check_language_models(use_case.models, workspace), 150),
        Group("Secrets", lambda: check_secrets(workspace, wants_secrets(use_case.models))),
        Group("Volumes", lambda: _volumes(place)),
        Group("Registry", lambda: check_registry(workspace, place.target), 120),
        Group("GPUs", lambda: check_gpus(workspace, place.gpus), 120),
        Group("UDFs", lambda: check_udfs(workspace, workspace.path(place.landing), use_case.embedding, parses), 180),
    ]


def _volumes(place: Place) -> Iterator[Finding]:
    yield check_landing(place.workspace.path(place.landing))
    yield from check_volume(place.workspace.volume(INDEXES), on_databricks() or is_strict())
