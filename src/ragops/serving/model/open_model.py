"""Opens a chain from its logged configuration and files: in a workspace, or where there is nothing but the model."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mlflow

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.ledger.sinks import DiscardingSink
from ragops.assembly import Locations, open_chain
from ragops.corpus.index.generations.manifest import Damaged
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.platform.compute import available_memory, on_databricks
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.workspace import find_local_home, models_folder
from ragops.serving.model.configuration import CONVERTED, INDEX, ChainConfiguration

_GIB = 1 << 30
_INCOMPLETE = "this copy is incomplete: download the model again"


def open_logged(configuration: ChainConfiguration, artifacts: Mapping[str, Path]) -> Chain:
    """Opens the chain that a configuration and its artifacts describe.

    A chain that contains its index needs no workspace; without one, calls of language models are not recorded.

    Raises:
        UserError: a file of the model is missing, or its index is in a workspace and there is none here; or as
            `open_chain`.
    """
    for name, path in artifacts.items():
        if not path.exists():
            raise UserError(f"model: its {name} is missing ({path}); {_INCOMPLETE}")
    _silence_trace_warnings()
    alone, workspace = not on_databricks() and find_local_home() is None, configuration.workspace
    if alone and INDEX not in artifacts:
        raise UserError(
            f"model: it uses the index of {workspace.catalog}.{workspace.schema}, and there is no workspace here; "
            "release it with pin=true, which puts the index inside, or set LOCALBUNDLE_HOME to the local workspace"
        )
    own_index = artifacts.get(INDEX)
    models = artifacts.get(CONVERTED) or models_folder(workspace)
    locations = Locations(workspace, models, own_index or index_root(workspace))
    sink = DiscardingSink() if alone else None
    with _incomplete_copy(own_index):
        return open_chain(configuration.use_case_with(artifacts), locations, configuration.templates, sink=sink)


def describe_container() -> str:
    """One line about this process's container: host, cores, memory, free disk, Python.

    The platform documents none of these. Each process that loads the chain prints the line to the endpoint's log.
    """
    folder = tempfile.gettempdir()
    memory, disk = available_memory() / _GIB, shutil.disk_usage(folder).free / _GIB
    return (
        f"pid {os.getpid()} on host {socket.gethostname()}: {os.cpu_count()} cores, {memory:.1f} GiB of memory, "
        f"{disk:.1f} GiB free in {folder}, Python {platform.python_version()}"
    )


@contextmanager
def _incomplete_copy(own_index: Path | None) -> Iterator[None]:
    """Blames the copy for errors of an index inside the model; the index's own errors say to refresh it."""
    if own_index is None:
        yield
        return
    try:
        if PublishedIndex(own_index).find_pointer() is None:
            raise UserError(f"model: its index is missing ({own_index}); {_INCOMPLETE}")
        yield
    except (VolumeError, Damaged) as error:
        raise UserError(f"model: its index cannot be read ({error}); {_INCOMPLETE}") from error


def _silence_trace_warnings() -> None:
    """Without a tracking URI and a database that MLflow could create, it would warn at each step."""
    # Tracing cannot be disabled here: MLflow restores its state after a model is loaded.
    if not on_databricks() and not mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call]
        logging.getLogger("mlflow.tracing.fluent").setLevel(logging.ERROR)
