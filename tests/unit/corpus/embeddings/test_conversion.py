import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.corpus.embeddings import conversion
from ragops.corpus.embeddings.conversion import convert, convert_once, on_this_machine
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, short
from ragops.errors import UserError
from ragops.platform.volumes import mounted
from tests.support.strict_volumes import plain, strict_volumes


def fake_export(model: EmbeddingModel, built: Path) -> None:
    manifest = {"fingerprint": fingerprint(model), "model": model.model_dump(), "versions": {}}
    (built / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models on a volume, as in a workspace; the machine's cache is elsewhere."""
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with strict_volumes(tmp_path / "home" / "Volumes") as volumes:
        yield volumes / "main" / "rag" / "indexes" / "models"


def test_on_a_volume_a_model_is_converted_once_and_copied_to_each_machine(shared: Path, tmp_path: Path) -> None:
    exported: list[Path] = []

    def export(built: Path) -> None:
        exported.append(built)
        (built / "model.bin").write_bytes(b"weights")
        (built / "tokenizer").mkdir()
        (built / "tokenizer" / "vocabulary.txt").write_text("words")
        (built / "manifest.json").write_text("{}")

    for _ in range(2):
        conversion = convert_once("ab" * 32, shared, export)
    assert len(exported) == 1 and conversion.parent == shared and conversion.name.startswith("abababab-")
    assert not exported[0].is_relative_to(shared)
    for _ in range(2):
        copy = on_this_machine(conversion)
    assert copy == tmp_path / "cache" / "ragops" / "models" / "abababab"
    assert sorted(str(file.relative_to(copy)) for file in copy.rglob("*") if file.is_file()) == [
        "manifest.json",
        "model.bin",
        "tokenizer/vocabulary.txt",
    ]
    assert on_this_machine(copy) == copy


def test_on_a_volume_incomplete_conversions_are_ignored_and_removed_after_a_day(shared: Path) -> None:
    """Concurrent converters never write into the same folder."""
    for name in ("abababab-11111111", "abababab-22222222"):
        (shared / name).mkdir(parents=True)
        (shared / name / "model.bin").write_bytes(b"half")
    with plain(shared):
        os.utime(shared / "abababab-11111111" / "model.bin", (0, 0))

    def export(built: Path) -> None:
        (built / "model.bin").write_bytes(b"weights")
        (built / "manifest.json").write_text("{}")

    conversion = convert_once("ab" * 32, shared, export)
    assert sorted(path.name for path in shared.iterdir()) == sorted(["abababab-22222222", conversion.name])
    assert (conversion / "model.bin").read_bytes() == b"weights"


def test_a_volume_that_cannot_be_written_is_an_error_that_names_the_file(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: object, content: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(mounted, "_fill", refuse)
    with pytest.raises(UserError, match=r"manifest.json: .*Read-only file system"):
        convert_once("ab" * 32, shared, lambda built: (built / "manifest.json").touch())


def test_a_refusal_is_reported_with_the_childs_message(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = "Loading\nEmbedding model minilm: is odd; fix it\n"
    refused = subprocess.CompletedProcess([], conversion.REFUSED, stderr=stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(UserError, match="^Embedding model minilm: is odd; fix it$"):
        convert(minilm, tmp_path)


def test_the_first_of_two_converters_to_finish_wins(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / short(fingerprint(minilm))

    def export(model: EmbeddingModel, built: Path) -> None:
        target.mkdir()
        fake_export(model, target)
        (target / "first").touch()
        fake_export(model, built)

    monkeypatch.setattr(conversion, "_export_in_child", export)
    assert (convert(minilm, tmp_path) / "first").is_file()
    assert os.listdir(tmp_path) == [target.name]


def test_a_damaged_conversion_is_replaced(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / short(fingerprint(minilm))
    target.mkdir()
    (target / "model.xml").touch()
    monkeypatch.setattr(conversion, "_export_in_child", fake_export)
    assert os.listdir(convert(minilm, tmp_path)) == ["manifest.json"]


def test_old_leftovers_of_killed_converters_are_removed(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = short(fingerprint(minilm))
    for age in ("old", "new"):
        (tmp_path / f".{name}-{age}").mkdir()
    os.utime(tmp_path / f".{name}-old", (0, 0))
    monkeypatch.setattr(conversion, "_export_in_child", fake_export)
    convert(minilm, tmp_path)
    assert sorted(os.listdir(tmp_path)) == [f".{name}-new", name]


def test_another_model_under_the_same_short_name_is_refused(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_export_in_child", fake_export)
    manifest = convert(minilm, tmp_path) / "manifest.json"
    manifest.write_text(manifest.read_text().replace(fingerprint(minilm), "0" * 64))
    with pytest.raises(UserError, match="its fingerprint is not that of"):
        convert(minilm, tmp_path)
