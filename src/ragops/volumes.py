"""Files of volumes where none is mounted, as behind a serving endpoint: through the workspace's Files API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.workspace import workspace_client

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_PIECE = 1 << 20
# Somebody waits: for an endpoint to start, for a new generation, for a container to end.
_ANSWER_SECONDS = 20
_RETRY_SECONDS = 30


class NotThere(UserError):
    """A file that the volume does not have."""


class VolumeFiles:
    """Reads and writes whole files by their path /Volumes/...; may be shared by threads.

    The SDK repeats what fails for half a minute, resumes what is cut off, and renews the token.
    """

    def __init__(self, client: WorkspaceClient | None = None) -> None:
        """With this place's own client unless another is given. Raises UserError when it has no credentials."""
        self._files = (client or workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS)).files

    def read(self, path: Path) -> bytes:
        """A small file's content.

        Raises:
            NotThere: there is no such file.
            UserError: it may not be read, or the workspace does not answer.
        """
        return b"".join(self._pieces(path))

    def download(self, path: Path, target: Path) -> None:
        """Writes a file's content to a file of this machine.

        Raises:
            NotThere, UserError: as `read`; `target` is half written.
            OSError: `target` cannot be written.
        """
        with target.open("wb") as file:
            for piece in self._pieces(path):
                file.write(piece)

    def upload(self, path: Path, content: bytes) -> None:
        """Writes a new file, which appears whole; one that is there by this name is taken to be the same.

        Raises:
            UserError: it may not be written, there is no such volume, or the workspace does not answer.
        """
        from databricks.sdk.errors import AlreadyExists

        # A request whose answer got lost is repeated by the SDK, and the second one meets the first's file.
        with _explained(path, "WRITE VOLUME"), suppress(AlreadyExists):
            self._files.upload(str(path), io.BytesIO(content), overwrite=False)

    def _pieces(self, path: Path) -> Iterator[bytes]:
        with _explained(path, "READ VOLUME"):
            contents = self._files.download(str(path)).contents
            if contents is None:
                return
            with closing(contents):
                while piece := contents.read(_PIECE):
                    yield piece


@contextmanager
def _explained(path: Path, privilege: str) -> Iterator[None]:
    """Turns what the SDK raises into UserError. `privilege`: what one needs on the volume."""
    from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated
    from databricks.sdk.errors.base import DatabricksError

    try:
        yield
    except NotFound as error:
        raise NotThere(f"{path}: not there ({_line(error)}); run the refresh job, or give the right schema") from error
    except PermissionDenied as error:
        raise UserError(
            f"{path}: not permitted ({_line(error)}); whoever the endpoint runs as needs {privilege} on the volume, "
            "USE SCHEMA and USE CATALOG"
        ) from error
    except Unauthenticated as error:
        raise UserError(f"{path}: not logged in ({_line(error)}); renew the endpoint's credentials") from error
    except (DatabricksError, OSError, RuntimeError, ValueError) as error:  # the SDK's own, requests' and its retries'
        raise UserError(f"{path}: the workspace does not answer ({_line(error)}); try again later") from error


def _line(error: BaseException) -> str:
    """The reason behind an exhausted retry, without the client's configuration, which the SDK adds."""
    reason = error.__cause__ or error
    return " ".join(str(reason).partition(". Config:")[0].split())[:300] or type(reason).__name__
