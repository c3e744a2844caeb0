"""As whom an endpoint reads the index's volume, writes the ledger's, and leaves traces.

A logged model declares what the platform lets it reach as itself: serving endpoints, tables, functions, but no volumes
(mlflow.models.resources). So a chain that follows the index needs a service principal, whose id and secret lie in the
catalog's secret scope. docs/rights.md says what it may do, and `rights` asks for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.credentials import SecretNotSet, secret
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

CLIENT_ID, CLIENT_SECRET = "endpoint-client-id", "endpoint-client-secret"
_ANSWER_SECONDS, _RETRY_SECONDS = 60, 60


@dataclass(frozen=True, slots=True)
class Identity:
    """A service principal, by its application id, and an OAuth secret of it; `scope` holds both."""

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
        """A client that asks as this principal.

        Raises:
            UserError: the workspace gives it no token.
        """
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config

        try:
            config = Config(
                host=self.host,
                client_id=self.client_id,
                client_secret=self.client_secret,
                auth_type="oauth-m2m",
                http_timeout_seconds=_ANSWER_SECONDS,
                retry_timeout_seconds=_RETRY_SECONDS,
            )
            config.authenticate()
        except Exception as error:  # of the login's own library, of the SDK, of the network
            reason = " ".join(str(error).partition(". Config:")[0].split())[:200]
            raise UserError(
                f"secrets {CLIENT_ID} and {CLIENT_SECRET} of scope {self.scope}: the workspace gives no token for them "
                f"({reason}); make a new OAuth secret for that service principal, and put both again"
            ) from error
        return WorkspaceClient(config=config)


def find_identity(workspace: Workspace, host: str) -> Identity | None:
    """The principal whose secrets the scope holds; None where it holds none. `host` is the workspace's address.

    Raises:
        UserError: the scope may not be read here, or not now.
    """
    scope = workspace.secret_scope
    try:
        return Identity(scope, host, secret(scope, CLIENT_ID), secret(scope, CLIENT_SECRET))
    except SecretNotSet:
        return None
