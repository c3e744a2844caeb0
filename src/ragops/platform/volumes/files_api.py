"""Files of a volume that is not mounted: through the workspace's Files API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ragops.platform.credentials import workspace_client
from ragops.platform.volumes.errors import PathNotFound, VolumeUnavailable, explained
from ragops.platform.volumes.interface import PIECE_BYTES, FileInfo, VolumeFiles

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# Short, since something waits for it: an endpoint that starts, a new generation, a container that stops.
_ANSWER_SECONDS = 20
_RETRY_SECONDS = 30
# Attempts to download a file that is cut off: the SDKs of the runtimes (0.67) do not resume a download.
_TRANSFERS = 3


class RemoteFiles(VolumeFiles):
    """Files of a volume that is not mounted, through the workspace's Files API.

    The SDK retries for half a minute and renews the token; newer versions resume a download that is cut off.
    """

    remote = True

    def __init__(self, client: WorkspaceClient | None = None) -> None:
        """With a client for this workspace unless another is given. Raises UserError if there are no credentials."""
        self._files = (client or workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS)).files

    def create(self, path: Path, content: bytes) -> bool:
        """Uploads a new file. One whose response was lost is found to exist when the SDK repeats the request."""
        with suppress(PathNotFound):
            return self._upload_new(path, content)
        with explained(path, "WRITE VOLUME"):
            self._files.create_directory(str(path.parent))  # and its parents
        return self._upload_new(path, content)

    def sync(self, path: Path) -> None:
        """Does nothing: an upload that was answered is stored."""

    def list(self, folder: Path) -> list[FileInfo]:
        """The files and folders in a folder, sorted by name."""
        with explained(folder, "READ VOLUME"):
            entries = [
                FileInfo(
                    str(one.name), bool(one.is_directory), datetime.fromtimestamp((one.last_modified or 0) / 1000, UTC)
                )
                for one in self._files.list_directory_contents(str(folder))
            ]
        return sorted(entries, key=lambda entry: entry.name)

    def remove(self, path: Path) -> None:
        """Removes a file; does nothing if it does not exist."""
        with suppress(PathNotFound), explained(path, "WRITE VOLUME"):
            self._files.delete(str(path))

    def _pieces(self, path: Path) -> Iterator[bytes]:
        arrived = 0
        for retries in reversed(range(_TRANSFERS)):
            try:
                for piece in self._transfer(path, arrived):
                    arrived += len(piece)
                    yield piece
                return
            except VolumeUnavailable:
                if not retries:
                    raise

    def _transfer(self, path: Path, skipped: int) -> Iterator[bytes]:
        """The content after its first `skipped` bytes. They are read anyway: older SDKs cannot request a range."""
        with explained(path, "READ VOLUME"):
            contents = self._files.download(str(path)).contents
        if contents is None:
            return
        with closing(contents):
            while True:
                with explained(path, "READ VOLUME"):
                    piece = contents.read(PIECE_BYTES)
                if not piece:
                    return
                if rest := piece[skipped:]:
                    yield rest
                skipped = max(0, skipped - len(piece))

    def _put(self, path: Path, content: BinaryIO) -> None:
        with suppress(PathNotFound), explained(path, "WRITE VOLUME"):
            self._files.upload(str(path), content, overwrite=True)
            return
        content.seek(0)
        with explained(path, "WRITE VOLUME"):
            self._files.create_directory(str(path.parent))  # and its parents
            self._files.upload(str(path), content, overwrite=True)

    def _upload_new(self, path: Path, content: bytes) -> bool:
        from databricks.sdk.errors import AlreadyExists

        with explained(path, "WRITE VOLUME"):
            try:
                self._files.upload(str(path), io.BytesIO(content), overwrite=False)
            except AlreadyExists:
                return False
        return True

    def _remove_empty(self, folder: Path) -> None:
        with suppress(PathNotFound), explained(folder, "WRITE VOLUME"):
            self._files.delete_directory(str(folder))
