from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.embeddings import udf
from ragops.corpus.embeddings.interface import CPU, Device, Encoder, Vectors


@dataclass(frozen=True)
class LengthEncoder:
    device: Device
    calls: list[int] = field(default_factory=list)
    dimension: int = 1

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(len(texts))
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode_documents(texts)


@dataclass(frozen=True)
class LengthSource:
    name: str
    uses_gpu: bool = False

    def load(self, device: Device) -> Encoder:
        return LengthEncoder(device)


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udf, "_loaded", {})


def series(texts: list[list[str]]) -> Iterator[pd.Series]:
    return (pd.Series(batch, dtype=object) for batch in texts)


@given(st.lists(st.lists(st.text(max_size=5), max_size=9), max_size=9), st.integers(min_value=1, max_value=20))
def test_groups_keep_every_text_in_order_and_only_the_last_is_small(texts: list[list[str]], size: int) -> None:
    groups = list(udf.gathered(series(texts), size))
    assert [text for group in groups for text in group] == [text for batch in texts for text in batch]
    assert all(len(group) >= size for group in groups[:-1])
    assert all(groups)


def test_small_arrow_batches_become_large_calls() -> None:
    source = LengthSource("a")
    found = list(udf.embed_batches(source, series([["a", "bb"], ["ccc"], ["dddd"], ["e"]]), 3))
    assert [float(vector[0]) for vectors in found for vector in vectors] == [1, 2, 3, 4, 1]
    encoder = udf.loaded_encoder(source)
    assert isinstance(encoder, LengthEncoder)
    assert encoder.calls == [3, 2]


def test_an_empty_partition_calls_nothing() -> None:
    assert list(udf.embed_batches(LengthSource("a"), series([[], []]), 3)) == []


def test_an_encoder_is_loaded_once_for_equal_sources() -> None:
    assert udf.loaded_encoder(LengthSource("a")) is udf.loaded_encoder(LengthSource("a"))


def test_each_device_has_its_own_encoder_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = LengthSource("a", uses_gpu=True)
    found = []
    for gpu in (0, 2, 0):
        monkeypatch.setattr(udf, "task_device", lambda gpu=gpu: Device(gpu))
        found.append(udf.loaded_encoder(source))
    assert [encoder.device for encoder in found] == [Device(0), Device(2), Device(0)]
    assert found[0] is found[2]


def test_a_source_without_a_gpu_is_loaded_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udf, "task_device", lambda: Device(1))
    assert udf.loaded_encoder(LengthSource("a")).device == CPU


def test_another_model_replaces_the_earlier_one() -> None:
    earlier = udf.loaded_encoder(LengthSource("a"))
    udf.loaded_encoder(LengthSource("b"))
    assert list(udf._loaded) == [(LengthSource("b"), CPU)]
    assert udf.loaded_encoder(LengthSource("a")) is not earlier
