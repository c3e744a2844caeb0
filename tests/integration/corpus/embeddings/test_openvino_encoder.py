import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragops.corpus.embeddings.conversion import read_manifest
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.errors import UserError

# The first five numbers of sentence-transformers 6.2 on PyTorch 2.15, single precision.
CANONICAL = {
    "hello world": [-0.034477, 0.031023, 0.006735, 0.026109, -0.039362],
    "The quick brown fox jumps over the lazy dog.": [0.043934, 0.058934, 0.048178, 0.077548, 0.026744],
    "Größe, naïve café, Ελληνικά, русский, 東京, 🙂": [0.054573, 0.00135, 0.026721, -0.000321, -0.037112],
    "": [-0.118838, 0.048299, -0.002548, -0.011011, 0.051951],
}

WORDS = st.lists(st.sampled_from(["the", "Größe", "東京", "x_1", "retrieval", "🙂", "\n", "a"]), max_size=60).map(
    " ".join
)


@pytest.mark.parametrize("text", CANONICAL)
def test_vectors_equal_those_of_sentence_transformers(encoder: OpenVinoEncoder, text: str) -> None:
    vector = encoder.encode_documents([text])[0]
    assert np.allclose(vector[:5], CANONICAL[text], atol=1e-5)
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=WORDS, neighbors=st.lists(WORDS, max_size=12), position=st.integers(min_value=0, max_value=12))
def test_a_vector_does_not_depend_on_the_other_texts(
    encoder: OpenVinoEncoder, text: str, neighbors: list[str], position: int
) -> None:
    position = min(position, len(neighbors))
    together = encoder.encode_documents([*neighbors[:position], text, *neighbors[position:]])
    assert np.allclose(together[position], encoder.encode_documents([text])[0], atol=1e-5)


def test_several_threads_get_the_same_vectors_as_one(encoder: OpenVinoEncoder) -> None:
    texts = [f"question number {number}" for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        vectors = list(threads.map(lambda text: encoder.encode_queries([text])[0], texts))
    assert np.allclose(vectors, encoder.encode_queries(texts), atol=1e-5)


def test_no_texts_give_no_rows(encoder: OpenVinoEncoder) -> None:
    vectors = encoder.encode_documents([])
    assert (vectors.shape, vectors.dtype) == ((0, 384), np.float32)


def test_a_long_text_is_truncated_to_the_models_length(encoder: OpenVinoEncoder) -> None:
    seen = "word " * 254  # and [CLS] and [SEP]: 256 tokens
    whole, cut, less = encoder.encode_documents([seen + "other ending " * 3000, seen, seen[:-50]])
    assert np.allclose(whole, cut, atol=1e-5)
    assert not np.allclose(less, cut, atol=1e-5)


def test_prompts_are_put_before_the_texts(converted: Path, minilm: EmbeddingModel, encoder: OpenVinoEncoder) -> None:
    prompted = minilm.model_copy(update={"query_prompt": "query: ", "document_prompt": "passage: "})
    other = OpenVinoEncoder(converted, prompted, threads=1)
    queries, documents = other.encode_queries(["tea"]), other.encode_documents(["tea"])
    assert np.allclose(
        np.vstack([queries, documents]), encoder.encode_queries(["query: tea", "passage: tea"]), atol=1e-5
    )


def test_a_folder_without_a_conversion_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}.*manifest"):
        load_cpu_encoder(tmp_path)


def test_the_manifest_contains_model_and_versions(converted: Path, minilm: EmbeddingModel) -> None:
    manifest = read_manifest(converted)
    assert manifest.model == minilm
    assert manifest.fingerprint.startswith(converted.name)
    assert {"openvino", "torch"} <= manifest.versions.keys()


def test_a_worker_imports_neither_torch_nor_transformers(converted: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ragops.corpus.embeddings.udf import embed_udf\n"
        "from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder\n"
        "load_cpu_encoder(Path(sys.argv[1]), 1).encode_documents(['x'])\n"
        "print({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(converted)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
