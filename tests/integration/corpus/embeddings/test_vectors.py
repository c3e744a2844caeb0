"""Vectors of an endpoint: asked for here, since workers may have no network, and given as they come."""

from itertools import count
from typing import Any

import pytest

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.recipes import EndpointSource
from ragops.corpus.embeddings.udf import embed_udf
from ragops.corpus.embeddings.vectors import vectors
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from tests.support.openai_double import serving

MODEL = EmbeddingModel(name="toy", source="endpoint:toy-embed", dimension=3, max_tokens=254, normalise=False)


def texts(workspace: Workspace, many: int) -> Any:
    rows = [(f"{number:064x}", f"text {number}") for number in range(many)]
    return workspace.spark.createDataFrame(rows, "text_hash STRING, embedded_text STRING")


def test_each_text_is_asked_for_once_and_a_frame_at_a_time(workspace: Workspace) -> None:
    numbers = count()  # several threads ask at a time
    with serving() as double:
        source = EndpointSource(MODEL, double.url, lambda: f"token {next(numbers)}")
        frames = vectors(workspace, texts(workspace, 300), 300, MODEL, source, most=100)
        found = [next(frames).collect()]
        assert 0 < sum(len(body["input"]) for body in double.bodies) < 200, "the rest is asked for when it is wanted"
        found += [frame.collect() for frame in frames]
    rows = [row for frame in found for row in frame]
    assert sorted(row["text_hash"] for row in rows) == [f"{number:064x}" for number in range(300)]
    assert sorted(text for body in double.bodies for text in body["input"]) == sorted(f"text {n}" for n in range(300))
    assert all(row["embedding"][:2] == [1.0, 0.0] and row["embedded_at"] for row in rows)
    assert len({one["Authorization"] for one in double.headers}) == len(double.headers), "a token for each request"


def test_a_refusal_ends_it(workspace: Workspace) -> None:
    with serving(refuses=frozenset({"input"})) as double:
        frames = vectors(workspace, texts(workspace, 3), 3, MODEL, EndpointSource(MODEL, double.url))
        with pytest.raises(UserError, match="Embedding endpoint toy-embed .* HTTP 400"):
            list(frames)


def test_no_worker_is_given_an_endpoint(workspace: Workspace) -> None:
    embed = embed_udf(EndpointSource(MODEL, "http://127.0.0.1:9/v1"))
    with pytest.raises(Exception, match="workers cannot ask it; encode on the driver"):
        texts(workspace, 3).select(embed("embedded_text")).collect()
