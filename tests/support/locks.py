"""The lock of an index that a test publishes in a folder of its own."""

from pathlib import Path

from ragops.index.locks.local import LocalLock


def lock_beside(root: Path) -> LocalLock:
    """A lock of this machine, on a file beside the folder that the index lies in: that one may be a volume."""
    return LocalLock(root.parent.with_name(f"{root.parent.name}.{root.name}.lock"), str(root))
