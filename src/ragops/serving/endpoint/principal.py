"""The service principal that an endpoint uses to read the index, write the ledger and record traces; and its rights.

A logged model can declare which serving endpoints, tables and functions it accesses with its own identity, but no
volumes (mlflow.models.resources). A chain that follows the published index therefore needs a service principal, whose
id and secret are in the catalog's secret scope.

A container that lacks a right never becomes ready, which the platform reports after half an hour, or it answers and
records no traces. So each right in docs/rights.md is tried here, as that principal, with a small request, before
anything is created.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import NotPermitted, UserError
from ragops.platform.credentials import SecretNotSet, secret
from ragops.platform.volumes.errors import AccessDenied, PathNotFound
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.workspace import INDEXES, LEDGER, Workspace
from ragops.serving.model.configuration import ChainConfiguration
from ragops.text import reason

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

CLIENT_ID, CLIENT_SECRET = "endpoint-client-id", "endpoint-client-secret"
_RESPONSE_SECONDS, _RETRY_SECONDS = 60, 60
_REASON_LENGTH = 200
_PROBE = "rights-of-the-endpoint.txt"
"""A file that is written and removed: a principal that may write it may write the ledger's files."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A service principal by its application id, with one of its OAuth secrets; `scope` contains both."""

    scope: str
    host: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def variables(self) -> dict[str, str]:
        """The endpoint's environment variables, with references to the secrets."""
        return {
            "DATABRICKS_HOST": self.host,
            "DATABRICKS_CLIENT_ID": f"{{{{secrets/{self.scope}/{CLIENT_ID}}}}}",
            "DATABRICKS_CLIENT_SECRET": f"{{{{secrets/{self.scope}/{CLIENT_SECRET}}}}}",
        }

    def client(self) -> WorkspaceClient:
        """A client that is logged in as this principal.

        Raises:
            UserError: the workspace issues no token for it.
        """
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config

        try:
            config = Config(
                host=self.host,
                client_id=self.client_id,
                client_secret=self.client_secret,
                auth_type="oauth-m2m",
                http_timeout_seconds=_RESPONSE_SECONDS,
                retry_timeout_seconds=_RETRY_SECONDS,
            )
            config.authenticate()
        except Exception as error:  # from the OAuth library, the SDK or the network
            raise UserError(
                f"secrets {CLIENT_ID} and {CLIENT_SECRET} of scope {self.scope}: the workspace issues no token "
                f"for them ({reason(error, _REASON_LENGTH)}); create a new OAuth secret for that service "
                "principal and store both again"
            ) from error
        return WorkspaceClient(config=config)


def find_identity(workspace: Workspace, host: str) -> Identity | None:
    """The principal whose secrets are in the scope; None if there are none. `host` is the workspace's address.

    Raises:
        UserError: the scope cannot be read, for lack of rights or at the moment.
    """
    scope = workspace.secret_scope
    try:
        return Identity(scope, host, secret(scope, CLIENT_ID), secret(scope, CLIENT_SECRET))
    except SecretNotSet:
        return None


@dataclass(frozen=True, slots=True)
class Need:
    """A right, the object it is on, and a request that fails without it."""

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
    """Tries each right that the endpoint's principal needs; `note` receives a line for each that could not be tried.

    Raises:
        NotPermitted: rights are missing; the message names all of them.
        UserError: the workspace does not know the principal.
    """
    client = identity.client()
    missing: list[str] = []
    for need in needs(configuration, endpoint, experiment_id):
        if refusal := _refusal(need, client, note):
            missing.append(f"{need.right} on {need.on} ({refusal})")
    if missing:
        raise NotPermitted(
            f"serving endpoint {endpoint}: its service principal {identity.client_id} needs {'; '.join(missing)}; "
            "grant it: docs/rights.md says who can"
        )


def needs(configuration: ChainConfiguration, endpoint: str, experiment_id: str) -> Iterator[Need]:
    """The rights in docs/rights.md that an endpoint's principal needs for this chain."""
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
    """Sets a tag that names the endpoint whose traces the experiment stores."""
    client.experiments.set_experiment_tag(experiment_id, "ragops_endpoint", endpoint)


def _read(scope: str, key: str, client: WorkspaceClient) -> None:
    client.secrets.get_secret(scope, key)


def _query(name: str, client: WorkspaceClient) -> None:
    """A missing endpoint is not a missing right: its fallbacks answer, as they did in the evaluation."""
    from databricks.sdk.errors import NotFound, PermissionDenied

    with suppress(NotFound):
        level = client.serving_endpoints.get(name).permission_level
        if level is not None and level.value == "CAN_VIEW":
            raise PermissionDenied("it has CAN VIEW only")


def _refusal(need: Need, client: WorkspaceClient, note: Callable[[str], None]) -> str:
    """The platform's message if the right is missing; else ""."""
    from databricks.sdk.errors import NotFound, PermissionDenied
    from databricks.sdk.errors.base import DatabricksError

    try:
        need.ask(client)
    except (
        AccessDenied,
        PathNotFound,
        PermissionDenied,
        NotFound,
    ) as error:
        # PathNotFound and NotFound too: the platform hides what a principal may not see.
        return _platform_message(error)
    except (DatabricksError, UserError, TimeoutError) as error:
        note(f"{need.right} on {need.on}: could not be checked ({_platform_message(error)})")
    return ""


def _platform_message(error: Exception) -> str:
    """The platform's own message, without the one that the volume's errors add."""
    cause = error.__cause__ if isinstance(error, UserError) and error.__cause__ else error
    return reason(cause, _REASON_LENGTH)
