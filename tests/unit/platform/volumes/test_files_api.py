"""Downloads that are cut off, with an SDK that does not resume them."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from databricks.sdk import WorkspaceClient
from hypothesis import given
from hypothesis import strategies as st
from requests.exceptions import ChunkedEncodingError

from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.files_api import RemoteFiles

FILE = Path("/Volumes/main/rag/indexes/file")


class CutOff(io.BytesIO):
    """A response body whose connection breaks after some bytes; None: it is complete."""

    def __init__(self, content: bytes, after: int | None) -> None:
        super().__init__(content if after is None else content[:after])
        self._breaks = after is not None

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece and self._breaks:
            raise ChunkedEncodingError("Connection broken: IncompleteRead")
        return piece


def remote(content: bytes, cuts: list[int | None]) -> RemoteFiles:
    """Files whose downloads are cut off in turn."""
    waiting = iter(cuts)

    def download(path: str) -> SimpleNamespace:
        assert path == str(FILE)
        return SimpleNamespace(contents=CutOff(content, next(waiting)))

    client = SimpleNamespace(files=SimpleNamespace(download=download))
    return RemoteFiles(cast(WorkspaceClient, client))


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=2), st.integers(1, 9))
def test_the_content_is_complete_wherever_it_is_cut_off(content: bytes, cuts: list[int], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ragops.platform.volumes.files_api.PIECE_BYTES", piece)
        assert remote(content, [*cuts, None]).read(FILE) == content


def test_a_file_that_is_always_cut_off_is_reported_in_one_line() -> None:
    with pytest.raises(VolumeError, match=rf"^{FILE}: the workspace does not answer \(Connection broken.*try again"):
        remote(b"content", [3, 0, 7]).read(FILE)
