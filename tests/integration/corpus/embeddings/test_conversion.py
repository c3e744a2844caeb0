"""Conversions by real child processes, of a tiny model."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel

from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, convert, read_manifest
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.export import check
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate, short
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError


@pytest.fixture(scope="module")
def toy(minilm: EmbeddingModel, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingModel:
    """A tiny random model unlike the real one: pooled at its first token, without a Normalize module, with prompts."""
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


def test_a_conversion_is_named_by_fingerprint_and_gives_pytorchs_vectors(toy: EmbeddingModel, folder: Path) -> None:
    assert folder.name == short(fingerprint(toy))
    assert read_manifest(folder).fingerprint == fingerprint(toy)
    texts = ["hello world", "one two three " * 40]
    converted, original = load_cpu_encoder(folder), TorchEncoder(toy, locate(toy))
    assert np.allclose(converted.encode_queries(texts), original.encode_queries(texts), atol=1e-5)
    assert os.listdir(folder.parent) == [folder.name]


def test_a_model_is_converted_once(toy: EmbeddingModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("converted again"))
    assert convert(toy, folder.parent) == folder


@pytest.mark.parametrize("by", [[1, -1] * 8, [2] * 16, [np.nan] * 16], ids=["direction", "length", "nan"])
def test_vectors_that_differ_from_pytorchs_are_refused(toy: EmbeddingModel, folder: Path, by: list[float]) -> None:
    vectors = load_cpu_encoder(folder).encode_documents(CANONICAL_TEXTS)
    check(vectors, vectors, toy.name)
    with pytest.raises(UserError, match="toy: its vectors on OpenVINO and PyTorch differ"):
        check(vectors * np.array(by, dtype=np.float32), vectors, toy.name)


def test_a_failed_conversion_leaves_no_files_and_is_reported_in_one_line(toy: EmbeddingModel, tmp_path: Path) -> None:
    broken = shutil.copytree(toy.source, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="toy: cannot convert it .*header too large.*; check the files of") as caught:
        convert(toy.model_copy(update={"source": str(broken)}), tmp_path / "into")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "into") == []


def test_a_missing_package_is_reported_with_the_extra_to_install(
    toy: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    monkeypatch.syspath_prepend(shadow)
    with pytest.raises(UserError, match=r"No module named 'torch'.*install ragops\[embed\], or choose a model in ONNX"):
        convert(toy, tmp_path / "into")
