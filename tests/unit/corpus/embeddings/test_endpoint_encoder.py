import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.embeddings.endpoint_encoder import EndpointEncoder, requests
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError

MODEL = EmbeddingModel(
    name="toy", source="endpoint:toy-embed", dimension=2, max_tokens=16, normalise=False, query_prompt="query: "
)

Answer = tuple[int, object]


class Server:
    """An endpoint that answers the nth request with the nth of `script`, and later ones correctly."""

    def __init__(self, script: list[Answer] | None = None) -> None:
        self.script = script or []
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    def answer(self, body: dict) -> Answer:
        if len(self.bodies) <= len(self.script):
            return self.script[len(self.bodies) - 1]
        return 200, rows(body["input"])


def rows(texts: list[str]) -> dict:
    return {"data": [{"index": i, "embedding": [len(text), i]} for i, text in enumerate(texts)]}


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, str]]]:
    running: list[ThreadingHTTPServer] = []

    def start(*script: Answer, location: str = "") -> tuple[Server, str]:
        server = Server(list(script))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 (the library's name)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.bodies.append(body)
                server.headers.append(dict(self.headers))
                server.paths.append(self.path)
                status, content = server.answer(body)
                raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Keeps the tests' output clean."""

        running.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=running[-1].serve_forever, args=(0.01,), daemon=True).start()
        return server, f"http://127.0.0.1:{running[-1].server_address[1]}/serving-endpoints"

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


def encoder(url: str, model: EmbeddingModel = MODEL) -> EndpointEncoder:
    return EndpointEncoder(model, url, "the-token", longest_wait=0.01)


def test_requests_have_openais_format(serve: Callable) -> None:
    server, url = serve()
    vectors = encoder(url + "/").encode_queries(["a", "bb"])
    assert vectors.tolist() == [[8, 0], [9, 1]]
    assert vectors.dtype == np.float32
    assert server.paths == ["/serving-endpoints/embeddings"]
    assert server.bodies == [{"model": "toy-embed", "input": ["query: a", "query: bb"]}]
    assert server.headers[0]["Authorization"] == "Bearer the-token"


def test_without_a_token_no_authorization_is_sent(serve: Callable) -> None:
    server, url = serve()
    EndpointEncoder(MODEL, url).encode_documents(["a"])
    assert "Authorization" not in server.headers[0]


def test_a_token_function_is_called_for_each_request(serve: Callable) -> None:
    server, url = serve((503, ""))
    tokens = iter(["first", "second"])
    EndpointEncoder(MODEL, url, lambda: next(tokens), longest_wait=0.01).encode_queries(["a"])
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer first", "Bearer second"]


def test_a_busy_or_failing_server_is_retried(serve: Callable) -> None:
    server, url = serve((429, "slow down"), (500, "oops"), (503, ""))
    assert encoder(url).encode_documents(["abc"]).tolist() == [[3, 0]]
    assert len(server.bodies) == 4


def test_retries_of_a_busy_server_end(serve: Callable) -> None:
    server, url = serve(*[(429, "slow down")] * 6)
    with pytest.raises(UserError, match=r"toy-embed at http://.*: no answer in 6 attempts \(HTTP 429\)"):
        encoder(url).encode_documents(["abc"])
    assert len(server.bodies) == 6


def test_an_unreachable_server_is_named() -> None:
    with pytest.raises(UserError, match=r"toy-embed at http://127\.0\.0\.1:9/.*check that it is up"):
        encoder("http://127.0.0.1:9/v1").encode_documents(["abc"])


def test_rows_are_ordered_by_index(serve: Callable) -> None:
    _, url = serve((200, {"data": list(reversed(rows(["a", "bb", "ccc"])["data"]))}))
    assert encoder(url).encode_documents(["a", "bb", "ccc"]).tolist() == [[1, 0], [2, 1], [3, 2]]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, "who?"), "HTTP 401 .*use a token"),
        ((403, "no"), "HTTP 403 .*use a token"),
        ((404, "no such\nmodel"), "HTTP 404 no such model"),
        ((400, "too long"), "HTTP 400 too long"),
        ((200, "<html>"), "answered with '<html>'"),
        ((200, {"embeddings": []}), "answered with"),
        ((200, {"data": [{"index": 0, "embedding": [1.0]}]}), r"vectors of length \{1\}, not 2"),
        ((200, {"data": []}), "answered 1 texts with other rows"),
        ((200, {"data": [{"index": 1, "embedding": [1.0, 2.0]}]}), "answered 1 texts with other rows"),
    ],
    ids=str,
)
def test_an_invalid_answer_is_reported_in_one_line_and_not_retried(
    serve: Callable, answer: Answer, message: str
) -> None:
    server, url = serve(answer)
    with pytest.raises(UserError, match=f"Embedding endpoint toy-embed at {url}/embeddings: {message}") as caught:
        encoder(url).encode_documents(["abc"])
    assert "\n" not in str(caught.value)
    assert len(server.bodies) == 1


def test_redirects_are_not_followed(serve: Callable) -> None:
    other, there = serve()
    server, url = serve((307, ""), location=f"{there}/embeddings")
    with pytest.raises(UserError, match=f"redirects to {there}/embeddings"):
        encoder(url).encode_documents(["secret"])
    assert (len(server.bodies), other.bodies) == (1, [])


def test_requests_to_this_machine_bypass_the_proxy(serve: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, there = serve()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, there)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server, url = serve()
    encoder(url).encode_documents(["secret"])
    assert (len(server.bodies), proxy.bodies) == (1, [])
    encoder("http://vectors.invalid/v1").encode_documents(["a"])  # requests to other machines do use the proxy
    assert len(proxy.bodies) == 1


def test_vectors_are_normalized_if_configured(serve: Callable) -> None:
    _, url = serve((200, {"data": [{"index": 0, "embedding": [3, 4]}]}))
    model = MODEL.model_copy(update={"normalise": True})
    assert np.allclose(encoder(url, model).encode_documents(["abc"]), [[0.6, 0.8]])


def test_no_texts_send_no_request(serve: Callable) -> None:
    server, url = serve()
    assert encoder(url).encode_documents([]).shape == (0, 2)
    assert server.bodies == []


def test_many_texts_are_sent_in_several_requests(serve: Callable) -> None:
    server, url = serve()
    texts = ["x" * (n % 7) for n in range(300)]
    assert encoder(url).encode_documents(texts)[:, 0].tolist() == [n % 7 for n in range(300)]
    assert [len(body["input"]) for body in server.bodies] == [128, 128, 44]


@given(st.lists(st.integers(min_value=0, max_value=400_000), max_size=300))
def test_a_request_is_limited_in_texts_and_characters(lengths: list[int]) -> None:
    texts = ["x" * length for length in lengths]
    runs = [texts[run] for run in requests(texts)]
    assert [text for run in runs for text in run] == texts
    assert all(0 < len(run) <= 128 for run in runs)
    assert all(len(run) == 1 or sum(map(len, run)) <= 256_000 for run in runs)


def test_an_invalid_address_is_refused() -> None:
    with pytest.raises(UserError, match="toy-embed: 'localhost:80' is not an http"):
        EndpointEncoder(MODEL, "localhost:80")
