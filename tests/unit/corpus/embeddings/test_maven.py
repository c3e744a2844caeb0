import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.corpus.embeddings import maven
from ragops.corpus.embeddings.maven import maven_folder, parse_maven
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate, tokenizer_file
from ragops.corpus.embeddings.upload import upload
from ragops.errors import UserError
from ragops.platform.volumes.mounted import MountedFiles
from tests.support.http_server import QuietHandler, serve

JAR = "/org/acme/tools/words/1.2/words-1.2.jar"
SOURCE = "maven:org.acme.tools:words:1.2/small.onnx"


class Central(QuietHandler):
    """A Maven repository with these files; remembers what it was asked for."""

    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = self.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")


class Repository:
    """What a test puts into the repository, and what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    def put(self, content: bytes) -> None:
        self.files[JAR] = content
        self.files[f"{JAR}.sha1"] = hashlib.sha1(content).hexdigest().encode()


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    there = Repository()
    with serve(Central, files=there.files, asked=there.asked) as address:
        monkeypatch.setattr(maven, "CENTRAL", address)
        yield there


def jar(*names: str) -> bytes:
    """A jar in which each file contains its own name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


COMPLETE = jar("META-INF/MANIFEST.MF", "small.onnx", "small-tokenizer.json", "tokenizer.json")


def model(source: object) -> EmbeddingModel:
    return EmbeddingModel(name="words", source=str(source), dimension=8, max_tokens=16, pooling="cls")


def test_a_model_is_downloaded_once_and_its_files_get_fixed_names(repository: Repository) -> None:
    repository.put(COMPLETE)
    folder = locate(model(SOURCE))
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "model.onnx": "small.onnx",
        "tokenizer.json": "small-tokenizer.json",
    }
    assert tokenizer_file(model(SOURCE)) == folder / "tokenizer.json"
    assert sorted(repository.asked) == [JAR, f"{JAR}.sha1"]
    assert [file.name for file in folder.parents[1].iterdir() if file.is_file()] == ["words-1.2.lock"]


def test_of_several_first_users_at_once_one_downloads(repository: Repository) -> None:
    repository.put(COMPLETE)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: maven_folder("Model", SOURCE), range(4)))
    assert len(folders) == 1 and repository.asked.count(JAR) == 1


def test_the_jar_may_have_one_tokenizer_for_several_models(repository: Repository) -> None:
    repository.put(jar("onnx/small.onnx", "onnx/large.onnx", "onnx/tokenizer.json"))
    small, large = (maven_folder("Model", SOURCE.replace("small", f"onnx/{one}")) for one in ("small", "large"))
    assert (small / "model.onnx").read_text() == "onnx/small.onnx"
    assert (large / "model.onnx").read_text() == "onnx/large.onnx"
    assert (small / "tokenizer.json").read_text() == (large / "tokenizer.json").read_text() == "onnx/tokenizer.json"


def test_the_fingerprint_is_that_of_the_files_wherever_they_are(repository: Repository, tmp_path: Path) -> None:
    """A laptop has the jar and a workspace the uploaded files: both name the same table of vectors."""
    repository.put(COMPLETE)
    copy = shutil.copytree(locate(model(SOURCE)), tmp_path / "folder")
    upload(copy, tmp_path / "volume" / "words", MountedFiles())
    sources = [SOURCE, copy, f"volume:{tmp_path / 'volume' / 'words'}"]
    assert len({fingerprint(model(source)) for source in sources}) == 1
    for file in ("model.onnx", "tokenizer.json"):
        before = fingerprint(model(copy))
        (copy / file).write_text("other")
        assert fingerprint(model(copy)) != before


def test_a_jar_that_was_copied_by_hand_is_used(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=f"^Embedding model words: cannot download .*{JAR}.*404.* copy the jar to "
    ) as no:
        locate(model(SOURCE))
    wanted = Path(str(no.value).rpartition("copy the jar to ")[2])
    wanted.write_bytes(COMPLETE)
    repository.asked.clear()
    assert (locate(model(SOURCE)) / "model.onnx").is_file()
    assert repository.asked == [] and wanted.is_file()


@pytest.mark.parametrize("checksum", [b"0" * 40, b""], ids=["another", "empty"])
def test_a_file_that_arrived_damaged_is_refused_and_not_kept(repository: Repository, checksum: bytes) -> None:
    repository.put(COMPLETE)
    repository.files[f"{JAR}.sha1"] = checksum
    with pytest.raises(UserError, match="SHA-1|cannot download"):
        locate(model(SOURCE))
    repository.put(COMPLETE)
    assert (locate(model(SOURCE)) / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (jar("large.onnx", "tokenizer.json"), "no small.onnx in words-1.2.jar, which has large.onnx, tokenizer.json;"),
        (jar("small.onnx"), "no small-tokenizer.json or tokenizer.json in words-1.2.jar, which has small.onnx;"),
        (jar("a.class"), "which has no model;"),
        (b"no zip", "is not a jar"),
    ],
    ids=["another model", "no tokenizer", "code", "no jar"],
)
def test_a_jar_without_the_model_is_named_with_what_it_has(
    repository: Repository, content: bytes, message: str
) -> None:
    repository.put(content)
    with pytest.raises(UserError, match=message) as caught:
        locate(model(SOURCE))
    assert "\n" not in str(caught.value)


def test_a_jar_without_the_named_file_is_downloaded_once_however_often_it_is_tried(repository: Repository) -> None:
    repository.put(jar("large.onnx", "tokenizer.json"))
    for _ in range(2):
        with pytest.raises(UserError, match="no small.onnx"):
            locate(model(SOURCE))
    assert (locate(model(SOURCE.replace("small", "large"))) / "model.onnx").read_text() == "large.onnx"
    assert repository.asked.count(JAR) == 1


def test_a_file_that_is_not_a_jar_is_named_by_the_path_to_delete(repository: Repository) -> None:
    repository.put(b"no zip")
    with pytest.raises(UserError, match=r"is not a jar .*; delete it") as no:
        locate(model(SOURCE))
    Path(str(no.value).partition(": ")[2].partition(" is not")[0]).unlink()
    repository.put(COMPLETE)
    assert (locate(model(SOURCE)) / "model.onnx").is_file()


@given(*[st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)] * 4)
def test_coordinates_are_read_back(group: str, artifact: str, version: str, name: str) -> None:
    found = parse_maven(f"maven:{group}:{artifact}:{version}/{name}.onnx")
    assert found and (found.group, found.artifact, found.version, found.file) == (
        *(group, artifact, version),
        f"{name}.onnx",
    )
    assert found.url.endswith(f"/{artifact}/{version}/{artifact}-{version}.jar")


@pytest.mark.parametrize(
    "source", ["maven:a:b/c.onnx", "maven:a:b:1", "maven:a:b:1/c.bin", "maven:a:b:c:1/d.onnx", "maven:a:b:1/../c.onnx"]
)
def test_incomplete_coordinates_are_refused(source: str) -> None:
    with pytest.raises(ValidationError, match="is not maven:GROUP:ARTIFACT:VERSION/FILE.onnx"):
        model(source)


def test_pooling_is_required_since_onnx_files_do_not_say_it() -> None:
    with pytest.raises(ValidationError, match="set pooling: mean or pooling: cls"):
        EmbeddingModel(name="words", source=SOURCE, dimension=8, max_tokens=16)
    assert EmbeddingModel.model_validate_json(model(SOURCE).model_dump_json()) == model(SOURCE)
