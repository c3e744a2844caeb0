"""What an endpoint's principal needs, asked for as that principal before anything is created.

A container that lacks a right never gets ready, which takes the platform half an hour to say, or answers and leaves no
trace of it. So each right is tried here with a small request that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import NotPermitted, UserError
from ragops.platform.volumes.errors import Closed, NotThere
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.workspace import INDEXES, LEDGER
from ragops.serving.endpoint.identity import Identity
from ragops.serving.model.configuration import ChainConfiguration

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_PROBE = "rights-of-the-endpoint.txt"
"""A file that comes and goes: whoever may write it may write the ledger's."""


@dataclass(frozen=True, slots=True)
class Need:
    """A right, on what, and the request that shows whether one has it."""

    right: str
    on: str
    ask: Callable[[WorkspaceClient], object]


def check_rights(
    identity: Identity,
    configuration: ChainConfiguration,
    endpoint: str,
    experiment_id: str,
    note: Callable[[str], None] = print,
) -> None:
    """Asks for each right that a chain needs behind its endpoint; `note` hears of those that could not be asked for.

    Raises:
        NotPermitted: some are missing; the line names them all.
        UserError: the workspace does not know the principal.
    """
    client = identity.client()
    missing: list[str] = []
    for need in needs(configuration, endpoint, experiment_id):
        if refused := _refused(need, client, note):
            missing.append(f"{need.right} on {need.on} ({refused})")
    if missing:
        raise NotPermitted(
            f"serving endpoint {endpoint}: its service principal {identity.client_id} needs {'; '.join(missing)}; "
            "grant it: see docs/rights.md for who can"
        )


def needs(configuration: ChainConfiguration, endpoint: str, experiment_id: str) -> Iterator[Need]:
    """The rights of docs/rights.md that an endpoint's principal needs for this chain."""
    workspace = configuration.workspace
    indexes, ledger, scope = workspace.volume(INDEXES), workspace.volume(LEDGER), workspace.secret_scope
    if configuration.pinned is None:
        yield Need("READ VOLUME", _volume(workspace.registered(INDEXES)), partial(_list, indexes))
    yield Need("WRITE VOLUME", _volume(workspace.registered(LEDGER)), partial(_write, ledger / _PROBE))
    yield Need("CAN EDIT", f"experiment {experiment_id}", partial(_edit, experiment_id, endpoint))
    for name in configuration.endpoints:
        yield Need("CAN QUERY", f"serving endpoint {name}", partial(_query, name))
    for key in configuration.secrets:
        yield Need("READ", f"secret scope {scope}", partial(_read, scope, key))


def _volume(name: str) -> str:
    return f"volume {name}, with USE CATALOG and USE SCHEMA"


def _list(folder: Path, client: WorkspaceClient) -> None:
    RemoteFiles(client).list(folder)


def _write(file: Path, client: WorkspaceClient) -> None:
    files = RemoteFiles(client)
    files.write(file, b"")
    files.remove(file)


def _edit(experiment_id: str, endpoint: str, client: WorkspaceClient) -> None:
    """The tag says whose traces the experiment keeps."""
    client.experiments.set_experiment_tag(experiment_id, "ragops_endpoint", endpoint)


def _read(scope: str, key: str, client: WorkspaceClient) -> None:
    client.secrets.get_secret(scope, key)


def _query(name: str, client: WorkspaceClient) -> None:
    """An endpoint that is not there is no matter of rights: the models behind it stand in, as they did when judged."""
    from databricks.sdk.errors import NotFound, PermissionDenied

    with suppress(NotFound):
        level = client.serving_endpoints.get(name).permission_level
        if level is not None and level.value == "CAN_VIEW":
            raise PermissionDenied("it has CAN VIEW only")


def _refused(need: Need, client: WorkspaceClient, note: Callable[[str], None]) -> str:
    """What the platform said where the right is missing; else ""."""
    from databricks.sdk.errors import NotFound, PermissionDenied
    from databricks.sdk.errors.base import DatabricksError

    try:
        need.ask(client)
    except (Closed, NotThere, PermissionDenied, NotFound) as error:  # what one may not see is said not to be there
        return _line(error)
    except (DatabricksError, UserError, TimeoutError) as error:
        note(f"{need.right} on {need.on}: could not be asked for ({_line(error)})")
    return ""


def _line(error: Exception) -> str:
    """What the platform said, without what volumes put around it."""
    reason = error.__cause__ if isinstance(error, UserError) and error.__cause__ else error
    return " ".join(str(reason).partition(". Config:")[0].split())[:200] or type(reason).__name__
