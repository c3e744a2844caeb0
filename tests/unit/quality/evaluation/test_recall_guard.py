"""The recall guard loads its model once, in the background, and an error of that reaches who asks for the recall."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ragops.corpus.embeddings.interface import Device, Vectors
from ragops.errors import UserError
from ragops.quality.evaluation.recall_guard import RecallMeter
from ragops.quality.questions import Question

QUESTIONS = [
    Question(
        question_id="q1",
        question="Who swims?",
        kind="fact",
        topic="animals",
        anchor="the otter swims",
        answer="it does",
    ),
    Question(
        question_id="q2",
        question="Who flies?",
        kind="fact",
        topic="animals",
        anchor="the heron flies",
        answer="it does",
    ),
]


@dataclass
class Source:
    """An encoder that counts how often it is loaded, or fails to load."""

    error: str = ""
    loaded: list[Device] = field(default_factory=list)
    uses_gpu: bool = False

    def load(self, device: Device) -> Any:
        self.loaded.append(device)
        if self.error:
            raise UserError(self.error)
        return self

    def encode_queries(self, texts: list[str]) -> Vectors:
        return np.eye(len(texts), dtype=np.float32)


def generation() -> Any:
    """An index of one text, which answers the first question."""
    hit, passage = (
        SimpleNamespace(text_hash="t1"),
        SimpleNamespace(text_hash="t1", path="a.md", text="Here the otter swims."),
    )
    return SimpleNamespace(
        manifest=SimpleNamespace(model=SimpleNamespace(fingerprint="f")),
        dense=lambda vector, k, reader: [hit],
        of_texts=lambda hashes, reader: [passage],
    )


def test_a_model_is_loaded_once_however_often_it_is_prepared() -> None:
    source = Source()
    guard = RecallMeter(QUESTIONS, source, "f").guard(0.1)
    guard.prepare()
    guard.prepare()
    assert (guard.measure(generation()), guard.measure(generation())) == (0.5, 0.5)
    assert len(source.loaded) == 1


def test_an_unprepared_guard_measures_the_same() -> None:
    assert RecallMeter(QUESTIONS, Source(), "f").recall(generation()) == 0.5


def test_an_error_of_the_background_is_raised_by_the_measurement() -> None:
    guard = RecallMeter(QUESTIONS, Source("no such model"), "f").guard(0.1)
    guard.prepare()
    with pytest.raises(UserError, match="no such model"):
        guard.measure(generation())


def test_an_index_of_another_model_loads_nothing() -> None:
    source = Source()
    assert RecallMeter(QUESTIONS, source, "another").recall(generation()) is None
    assert source.loaded == []
