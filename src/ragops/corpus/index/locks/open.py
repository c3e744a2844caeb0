"""Chooses the publish lock for this environment."""

from ragops.corpus.index.locks.delta_row import DeltaRow
from ragops.corpus.index.locks.interface import PublishLock
from ragops.corpus.index.locks.lease import LeaseLock
from ragops.corpus.index.locks.local import LocalLock
from ragops.platform.compute import on_databricks
from ragops.platform.workspace import Workspace, local_home


def publish_lock(workspace: Workspace, index: str) -> PublishLock:
    """The lock of a schema's index.

    Raises:
        UserError: there is no local workspace.
    """
    if on_databricks():
        return LeaseLock(DeltaRow(workspace, index))
    return LocalLock(local_home() / "locks" / f"{workspace.schema}-{index}.lock", index)
