"""Vectors of an endpoint, requested in this process, since workers may have no network."""

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


def test_each_text_is_requested_once_frame_by_frame(workspace: Workspace) -> None:
    numbers = count()  # several threads ask at a time
    with serving() as double:
        source = EndpointSource(MODEL, double.url, lambda: f"token {next(numbers)}")
        frames = vectors(workspace, texts(workspace, 300), 300, MODEL, source, most=100)
        found = [next(frames).collect()]
        assert 0 < sum(len(body["input"]) for body in double.bodies) < 200, "later frames are requested on demand"
        found += [frame.collect() for frame in frames]
    rows = [row for frame in found for row in frame]
    assert sorted(row["text_hash"] for row in rows) == [f"{number:064x}" for number in range(300)]
    assert sorted(text for body in double.bodies for text in body["input"]) == sorted(f"text {n}" for n in range(300))
    assert all(row["embedding"][:2] == [1.0, 0.0] and row["embedded_at"] for row in rows)
    assert len({one["Authorization"] for one in double.headers}) == len(double.headers), "a token for each request"


def test_a_refused_request_is_an_error(workspace: Workspace) -> None:
    with serving(refuses=frozenset({"input"})) as double:
        frames = vectors(workspace, texts(workspace, 3), 3, MODEL, EndpointSource(MODEL, double.url))
        with pytest.raises(UserError, match="Embedding endpoint toy-embed .* HTTP 400"):
            list(frames)


def test_an_endpoint_is_never_sent_to_a_worker(workspace: Workspace) -> None:
    embed = embed_udf(EndpointSource(MODEL, "http://127.0.0.1:9/v1"))
    with pytest.raises(Exception, match="workers cannot call it"):
        texts(workspace, 3).select(embed("embedded_text")).collect()
