"""The lock of an index that a test publishes in a folder of its own."""

from pathlib import Path

from ragops.corpus.index.generations.published_files import local_directory
from ragops.corpus.index.locks.local import LocalLock


def lock_of(root: Path) -> LocalLock:
    """A kernel lock on a file in this machine's cache."""
    return LocalLock(local_directory(root, "publish.lock"), str(root))
