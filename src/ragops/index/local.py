"""Where an index lies, where this machine keeps its own copies of it, and how generations are copied."""

import hashlib
import os
import shutil
from pathlib import Path

from ragops.workspace import INDEXES, Workspace, cache_folder


def index_root(workspace: Workspace) -> Path:
    """The folder of a schema's index: generations and the pointer to the live one."""
    return workspace.volume(INDEXES) / "passages"


def local_directory(index_root: Path, purpose: str) -> Path:
    """A folder for one index in this machine's cache; not made yet. `purpose`: "draft", "readers"."""
    root = hashlib.sha256(str(index_root.resolve()).encode()).hexdigest()[:16]
    return cache_folder() / "index" / root / purpose


def copy_durably(source: Path, target: Path) -> None:
    """Copies a tree, each file synced. Raises OSError (ENOSPC on a full disk) with `target` half written."""
    for path in sorted(source.rglob("*")):
        copied = target / path.relative_to(source)
        if path.is_dir():
            copied.mkdir(parents=True, exist_ok=True)
        else:
            copied.parent.mkdir(parents=True, exist_ok=True)
            _copy_synced(path, copied)


def _copy_synced(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
