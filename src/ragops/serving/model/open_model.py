"""From what was logged to a chain that answers: in a workspace, or where there is nothing but the model."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mlflow

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.ledger.ledger import Unrecorded
from ragops.assembly import Locations, open_chain
from ragops.corpus.index.generations.manifest import Damaged
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.locations import index_root
from ragops.errors import UserError
from ragops.platform.compute import on_databricks
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.workspace import find_local_home, models_folder
from ragops.serving.model.configuration import CONVERTED, INDEX, ChainConfiguration

_NOT_WHOLE = "this copy is not whole: download the model again"


def open_logged(configuration: ChainConfiguration, artifacts: Mapping[str, Path]) -> Chain:
    """The chain that a configuration and its artifacts describe.

    With its index inside it needs no workspace; where there is none, calls of models are not recorded.

    Raises:
        UserError: a file of the model is missing, its index is to be found in a workspace and there is none; or as
            `open_chain`.
    """
    for name, path in artifacts.items():
        if not path.exists():
            raise UserError(f"model: its {name} is missing ({path}); {_NOT_WHOLE}")
    _quieten_traces()
    alone, workspace = not on_databricks() and find_local_home() is None, configuration.workspace
    if alone and INDEX not in artifacts:
        raise UserError(
            f"model: it follows the index of {workspace.catalog}.{workspace.schema}, and there is no workspace here; "
            "release it with pin=true, which puts the index inside, or set LOCALBUNDLE_HOME to the local workspace"
        )
    inside = artifacts.get(INDEX)
    place = Locations(workspace, artifacts.get(CONVERTED) or models_folder(workspace), inside or index_root(workspace))
    sink = Unrecorded() if alone else None
    with _whole(inside):
        return open_chain(configuration.use_case_with(artifacts), place, configuration.templates, sink=sink)


@contextmanager
def _whole(inside: Path | None) -> Iterator[None]:
    """Says of an index inside the model that the copy is at fault: an index's own errors say to refresh it."""
    if inside is None:
        yield
        return
    try:
        if PublishedIndex(inside).find_pointer() is None:
            raise UserError(f"model: its index is missing ({inside}); {_NOT_WHOLE}")
        yield
    except (VolumeError, Damaged) as error:
        raise UserError(f"model: its index cannot be read ({error}); {_NOT_WHOLE}") from error


def _quieten_traces() -> None:
    """Where nobody said where traces go, and MLflow has no database to make for them, it would warn at each step."""
    # Tracing cannot be disabled here: once a model is loaded MLflow puts it back as it was.
    if not on_databricks() and not mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call]
        logging.getLogger("mlflow.tracing.fluent").setLevel(logging.ERROR)
