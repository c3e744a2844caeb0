"""Files of volumes through the real SDK, against a double of the Files API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.corpus.embeddings.model_files import find_folder
from ragops.corpus.embeddings.upload import LISTING, upload
from ragops.errors import UserError
from ragops.platform.compute import has_spark
from ragops.platform.model_servers import Serving
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.workspace import Workspace, is_mounted, models_folder
from tests.support.files_double import TOKEN, Double, enter, served

FOLDER = Path("/Volumes/main/rag/indexes")
CONTENT = bytes(range(256)) * 10_000


@pytest.fixture(params=[True, False], ids=["presigned", "direct"])
def double(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    (tmp_path / "volumes" / "indexes").mkdir(parents=True)
    (tmp_path / "volumes" / "indexes" / "a b%2F.bin").write_bytes(CONTENT)
    (tmp_path / "volumes" / "indexes" / "empty").touch()
    double = Double(tmp_path / "volumes", presigned=request.param)
    with served(double) as address:
        enter(address, tmp_path, monkeypatch)
        yield double
    assert double.faults == []


@pytest.fixture
def volumes(double: Double) -> RemoteFiles:
    return RemoteFiles()


def test_in_the_container_volumes_are_not_mounted(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)  # of the tests that have a session
    workspace = Workspace("main", "rag")
    assert workspace.volume("indexes") == FOLDER
    assert not is_mounted(FOLDER) and is_mounted(Path("/tmp/index"))
    assert not has_spark()
    assert models_folder(workspace) == FOLDER / "models"
    server = Serving()
    assert server.ours and server.address.endswith("/serving-endpoints") and server.token() == TOKEN


def test_files_arrive_unchanged(double: Double, volumes: RemoteFiles, tmp_path: Path) -> None:
    assert volumes.read(FOLDER / "a b%2F.bin") == CONTENT
    volumes.download(FOLDER / "empty", tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""
    volumes.download(FOLDER / "a b%2F.bin", tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == CONTENT


def test_a_download_that_is_cut_off_is_resumed(double: Double, volumes: RemoteFiles) -> None:
    double.cut["bin"] = 1
    assert volumes.read(FOLDER / "a b%2F.bin") == CONTENT
    assert double.times("GET", "bin") == 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "not logged in .*; renew the endpoint's credentials"),
        (403, "not permitted; .* needs READ VOLUME on volume .*refused by the test"),
        (404, "not found .*; run the refresh job"),
        (500, "the workspace does not answer .*refused by the test.*; try again later"),
        (503, "the workspace does not answer .*refused by the test.*; try again later"),
    ],
)
def test_a_refusal_is_reported_in_one_line(double: Double, volumes: RemoteFiles, status: int, message: str) -> None:
    double.refused["bin"] = status
    with pytest.raises(UserError, match=rf"^{FOLDER}/a b%2F.bin: {message}") as caught:
        volumes.read(FOLDER / "a b%2F.bin")
    assert "\n" not in str(caught.value) and TOKEN not in str(caught.value)
    assert isinstance(caught.value, PathNotFound) == (status == 404)


def test_a_workspace_that_is_down_is_reported(double: Double, volumes: RemoteFiles, tmp_path: Path) -> None:
    double.down = True
    with pytest.raises(UserError, match="the workspace does not answer"):
        volumes.read(FOLDER / "a b%2F.bin")
    with pytest.raises(UserError, match="the workspace does not answer"):
        volumes.write(FOLDER / "new", b"content")


def test_a_full_local_disk_is_not_an_error_of_the_workspace(double: Double, volumes: RemoteFiles) -> None:
    with pytest.raises(OSError, match="No space left"):
        volumes.download(FOLDER / "a b%2F.bin", Path("/dev/full"))


def test_a_file_is_overwritten(double: Double, volumes: RemoteFiles) -> None:
    file = double.volumes / "indexes" / "new"
    volumes.write(FOLDER / "new", b"content")
    volumes.write(FOLDER / "new", b"others")
    assert file.read_bytes() == b"others"
    volumes.write(FOLDER / "none" / "new", b"content")
    assert (double.volumes / "indexes" / "none" / "new").read_bytes() == b"content"


def test_a_write_whose_response_is_lost_is_repeated(
    double: Double, volumes: RemoteFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragops.platform.volumes.files_api._RETRY_SECONDS", 30)
    double.lost["new"] = 1
    RemoteFiles().write(FOLDER / "new", b"content")
    assert (double.volumes / "indexes" / "new").read_bytes() == b"content"
    assert double.times("PUT", "new") == 2


def test_a_model_is_uploaded_and_read_back(
    double: Double, volumes: RemoteFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "package" / "1_Pooling").mkdir(parents=True)
    for name in ("modules.json", "1_Pooling/config.json", "model.safetensors"):
        (tmp_path / "package" / name).write_bytes(name.encode())
    assert not upload(tmp_path / "package", FOLDER / "toy", volumes).was_there
    copy = find_folder("Model toy", f"volume:{FOLDER / 'toy'}")
    assert (copy / "1_Pooling" / "config.json").read_bytes() == b"1_Pooling/config.json"
    double.asked.clear()
    assert upload(tmp_path / "package", FOLDER / "toy", volumes).was_there
    assert {one.split()[0] for one in double.asked} == {"GET"}
    double.refused["toy/" + LISTING] = 403
    with pytest.raises(UserError, match="needs READ VOLUME on volume main.rag.indexes"):
        find_folder("Model toy", f"volume:{FOLDER / 'toy'}")


def test_without_credentials_the_error_names_the_endpoint_s_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter("http://127.0.0.1:1", tmp_path, monkeypatch)
    (tmp_path / "credentials" / "model-dependencies-oauth-token").unlink()
    with pytest.raises(UserError, match="set the secrets endpoint-client-id .*; or give the endpoint DATABRICKS_HOST"):
        RemoteFiles()
