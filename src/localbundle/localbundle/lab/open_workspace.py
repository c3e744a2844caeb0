"""The local workspace that a page or a kernel works on, made ready."""

from collections.abc import Callable

from localbundle.definitions.bundle import Bundle, write_resolved
from localbundle.workspace.resources import check_resources, create_schemas, volume_folders
from localbundle.workspace.server import Server, ServerState


def open_workspace(bundle: Bundle, server: Server, progress: Callable[[str], None], owner: str) -> ServerState:
    """Finds or starts the target's Spark, holds it in use, and makes the bundle's schemas and volumes.

    Raises:
        BundleError: the bundle has what a laptop cannot have, or Spark did not start.
    """
    check_resources(bundle)
    write_resolved(bundle)
    for folder in volume_folders(bundle):
        folder.mkdir(parents=True, exist_ok=True)
    state = server.use(progress, owner=owner)
    progress("preparing the catalog")
    create_schemas(bundle, state.remote)
    return state
