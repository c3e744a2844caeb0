import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel

from ragops.corpus.embeddings import conversion
from ragops.corpus.embeddings.conversion import convert, convert_once, on_this_machine, read_manifest
from ragops.corpus.embeddings.export import CANONICAL_TEXTS, check
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate, short
from ragops.corpus.embeddings.openvino_encoder import load_openvino
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError
from ragops.platform.volumes import mounted
from tests.support.strict_volumes import plain, strict_volumes


@pytest.fixture(scope="module")
def toy(minilm: EmbeddingModel, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingModel:
    """A tiny random model unlike the real one: pooled at its first token, not normalised by itself, with prompts."""
    folder = tmp_path_factory.mktemp("toy")
    plain = folder / "plain"
    BertModel(
        BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(plain)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copy(locate(minilm) / file, plain)
    saved = folder / "saved"
    SentenceTransformer(modules=[Transformer(str(plain)), Pooling(16, "cls")]).save_pretrained(str(saved))
    return EmbeddingModel(
        name="toy", source=str(saved), dimension=16, max_tokens=32, pooling="cls", query_prompt="query: "
    )


@pytest.fixture(scope="module")
def folder(toy: EmbeddingModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(toy, tmp_path_factory.mktemp("converted"))


def pretend_export(model: EmbeddingModel, built: Path) -> None:
    manifest = {"fingerprint": fingerprint(model), "model": model.model_dump(), "versions": {}}
    (built / "manifest.json").write_text(json.dumps(manifest))


def test_the_conversion_is_named_by_fingerprint_and_gives_pytorch_s_vectors(toy: EmbeddingModel, folder: Path) -> None:
    assert folder.name == short(fingerprint(toy))
    assert read_manifest(folder).fingerprint == fingerprint(toy)
    texts = ["hello world", "one two three " * 40]
    converted, original = load_openvino(folder), TorchEncoder(toy, locate(toy))
    assert np.allclose(converted.encode_queries(texts), original.encode_queries(texts), atol=1e-5)
    assert os.listdir(folder.parent) == [folder.name]


def test_it_is_done_once(toy: EmbeddingModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("converted again"))
    assert convert(toy, folder.parent) == folder


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models on a volume, as a workspace's jobs have it; the machine's cache is elsewhere."""
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with strict_volumes(tmp_path / "home" / "Volumes") as volumes:
        yield volumes / "main" / "rag" / "indexes" / "models"


def test_on_a_volume_it_is_done_once_and_each_machine_has_a_copy(shared: Path, tmp_path: Path) -> None:
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


def test_on_a_volume_what_was_begun_does_not_count_and_goes_after_a_day(shared: Path) -> None:
    """Of two converters at once neither writes into the other's folder, and both are right."""
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


def test_a_conversion_that_a_volume_does_not_take_names_the_file(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, content: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(mounted, "_fill", refuse)
    with pytest.raises(UserError, match=r"manifest.json: cannot be written \(Read-only file system\); make the volume"):
        convert_once("ab" * 32, shared, lambda built: (built / "manifest.json").touch())


@pytest.mark.parametrize("by", [[1, -1] * 8, [2] * 16, [np.nan] * 16], ids=["direction", "length", "nan"])
def test_vectors_that_differ_from_pytorch_s_are_refused(toy: EmbeddingModel, folder: Path, by: list[float]) -> None:
    vectors = load_openvino(folder).encode_documents(CANONICAL_TEXTS)
    check(vectors, vectors, toy.name)
    with pytest.raises(UserError, match="toy: its OpenVINO conversion differs from PyTorch"):
        check(vectors * np.array(by, dtype=np.float32), vectors, toy.name)


def test_a_failure_leaves_nothing_and_is_one_line(toy: EmbeddingModel, tmp_path: Path) -> None:
    broken = shutil.copytree(toy.source, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="toy: cannot convert it .*header too large.*; check the files of") as caught:
        convert(toy.model_copy(update={"source": str(broken)}), tmp_path / "into")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "into") == []


def test_a_refusal_is_reported_in_the_child_s_own_words(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = "Loading\nEmbedding model toy: is odd; fix it\n"
    refused = subprocess.CompletedProcess([], conversion.REFUSED, stderr=stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(UserError, match="^Embedding model toy: is odd; fix it$"):
        convert(toy, tmp_path)


def test_a_missing_package_is_named_with_its_fix(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    monkeypatch.syspath_prepend(shadow)
    with pytest.raises(UserError, match=r"No module named 'torch'.*install ragops\[laptop\]"):
        convert(toy, tmp_path / "into")


def test_of_two_converters_the_first_to_finish_wins(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / short(fingerprint(toy))

    def export(model: EmbeddingModel, built: Path) -> None:
        target.mkdir()
        pretend_export(model, target)
        (target / "first").touch()
        pretend_export(model, built)

    monkeypatch.setattr(conversion, "_export_in_child", export)
    assert (convert(toy, tmp_path) / "first").is_file()
    assert os.listdir(tmp_path) == [target.name]


def test_a_damaged_conversion_is_replaced(toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / short(fingerprint(toy))
    target.mkdir()
    (target / "model.xml").touch()
    monkeypatch.setattr(conversion, "_export_in_child", pretend_export)
    assert os.listdir(convert(toy, tmp_path)) == ["manifest.json"]


def test_what_a_killed_converter_left_is_removed_later(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = short(fingerprint(toy))
    for age in ("old", "new"):
        (tmp_path / f".{name}-{age}").mkdir()
    os.utime(tmp_path / f".{name}-old", (0, 0))
    monkeypatch.setattr(conversion, "_export_in_child", pretend_export)
    convert(toy, tmp_path)
    assert sorted(os.listdir(tmp_path)) == [f".{name}-new", name]


def test_another_model_under_the_same_short_name_is_refused(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_export_in_child", pretend_export)
    manifest = convert(toy, tmp_path) / "manifest.json"
    manifest.write_text(manifest.read_text().replace(fingerprint(toy), "0" * 64))
    with pytest.raises(UserError, match="another fingerprint than toy"):
        convert(toy, tmp_path)
