"""As whom an endpoint reads the index's volume and writes the ledger's.

A logged model declares what the platform lets it reach as itself: serving endpoints, tables, functions, but no volumes
(mlflow.models.resources). So a chain that follows the index needs a service principal, whose id and secret lie in the
catalog's secret scope. docs/rights.md says what it may do.
"""

from ragops.errors import NotPermitted, UserError
from ragops.workspace import Workspace, secret

CLIENT_ID, CLIENT_SECRET = "endpoint-client-id", "endpoint-client-secret"


def identity(workspace: Workspace, host: str) -> dict[str, str]:
    """The endpoint's environment variables, with references to the secrets; none where the scope has no such secrets.

    `host` is the workspace's address.

    Raises:
        NotPermitted: the scope may not be read here.
    """
    scope = workspace.secret_scope
    try:
        for key in (CLIENT_ID, CLIENT_SECRET):
            secret(scope, key)
    except NotPermitted:
        raise
    except UserError:
        return {}
    return {
        "DATABRICKS_HOST": host,
        "DATABRICKS_CLIENT_ID": f"{{{{secrets/{scope}/{CLIENT_ID}}}}}",
        "DATABRICKS_CLIENT_SECRET": f"{{{{secrets/{scope}/{CLIENT_SECRET}}}}}",
    }
