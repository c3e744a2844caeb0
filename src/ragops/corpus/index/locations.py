"""Where an index lies, and where this machine keeps its own copies of it."""

import hashlib
from pathlib import Path

from ragops.platform.workspace import INDEXES, Workspace, cache_folder

PASSAGES = "passages"
"""The index of a schema's passages: its folder and its lock."""


def index_root(workspace: Workspace) -> Path:
    """The folder of a schema's index: generations and the pointer to the live one."""
    return workspace.volume(INDEXES) / PASSAGES


def local_directory(index_root: Path, purpose: str) -> Path:
    """A folder for one index in this machine's cache; not made yet. `purpose`: "draft", "readers"."""
    root = hashlib.sha256(str(index_root.resolve()).encode()).hexdigest()[:16]
    return cache_folder() / "index" / root / purpose
