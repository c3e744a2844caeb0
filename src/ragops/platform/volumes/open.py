"""Chooses how files on volumes are accessed: mounted, or through the Files API."""

from pathlib import Path

from ragops.errors import UserError
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.mounted import MountedFiles
from ragops.platform.workspace import VOLUMES, is_mounted, local_home


def volume_files(path: Path) -> VolumeFiles:
    """Access to the files at a path. Raises UserError if it needs credentials and there are none."""
    return MountedFiles() if is_mounted(path) else RemoteFiles()


def on_volume(path: Path) -> bool:
    """Whether a path is on a volume: below /Volumes, or on a laptop below the local workspace's Volumes folder."""
    if path.parts[:2] == ("/", VOLUMES):
        return True
    try:
        return path.absolute().is_relative_to(local_home() / VOLUMES)
    except UserError:  # no local workspace, so no volumes
        return False
