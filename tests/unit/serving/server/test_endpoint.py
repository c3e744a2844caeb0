"""The serving endpoint as what answers, against servers that speak its format."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from databricks.sdk import WorkspaceClient
from fastapi.testclient import TestClient

from ragops.answers.chain.types import Query
from ragops.answers.llms.types import drain
from ragops.answers.prompts.types import Message
from ragops.answers.retrieval.search import Searcher
from ragops.assembly import Locations
from ragops.errors import RequestError, UserError
from ragops.platform.workspace import Workspace
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.app import create_app
from ragops.serving.server.endpoint import EndpointBackend, ServedEndpoint
from ragops.serving.server.types import Answered, Backend, NotReady, Refused
from tests.support.http_server import QuietHandler, serve
from tests.support.served import ME, REPLY, Shelved, parts, use_case
from tests.support.serving_double import NAME, Double, client, served

QUESTION = Query("And back?", (Message("user", "When?"), Message("assistant", REPLY)), ("staff",), "jane")


@dataclass
class Reply:
    """What the endpoint sends: the answer of a real server with this chain, or a status and a body."""

    app: TestClient
    status: int = 200
    body: bytes = b""
    kind: str = "text/event-stream"
    cut: int | None = None
    asked: list[Any] = field(default_factory=list)


class _Endpoint(QuietHandler):
    reply: Reply

    def do_POST(self) -> None:
        reply, body = self.reply, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply.asked.append(body)
        content, kind = reply.body, reply.kind
        if not content:  # our own server has the same format
            known = {"input": body["input"], "stream": reply.kind == "text/event-stream"}
            response = reply.app.post("/invocations", json=known)
            content, kind = response.content, response.headers["content-type"]
        content = content[: reply.cut] if reply.cut else content
        self.send_response(reply.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def reply(tmp_path: Path) -> Iterator[Reply]:
    with TestClient(create_app(parts(tmp_path))) as app:
        yield Reply(app)


@contextmanager
def asking(reply: Reply) -> Iterator[EndpointBackend]:
    source = Shelved()
    source.open(source.wanted())
    with serve(_Endpoint, reply=reply) as address:
        workspace = WorkspaceClient(host=address, token="t", auth_type="pat")
        yield EndpointBackend(workspace, "chat", ChainVersion("m", "3"), cast(Searcher, source.searcher), 10)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_an_answer_streamed_or_whole(kind: str, reply: Reply) -> None:
    reply.kind = kind
    written: list[str] = []
    with asking(reply) as backend:
        answered: Answered = drain(backend.stream(QUESTION), written.append)
    assert answered.text == REPLY and [one.chunk_id for one in answered.citations] == ["c1"]
    assert answered.outputs["generation"] == "g-000001" and bool(written) == (kind == "text/event-stream")


def test_conversation_user_and_groups_are_passed_on(reply: Reply) -> None:
    with asking(reply) as backend:
        drain(backend.stream(QUESTION))
    (body,) = reply.asked
    assert [turn["content"] for turn in body["input"]] == ["When?", REPLY, "And back?"]
    assert body["custom_inputs"] == {"groups": ["staff"]} and body["context"] == {"user_id": "jane"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "question: too long"}', RequestError, "too long"),
        (503, b"scaling up", Refused, "try again in"),
        (429, b"{}", Refused, "try again in"),
        (500, b'{"message": "Traceback\\n  IndexError"}', UserError, "HTTP 500 Traceback IndexError"),
        (200, b"data: {", UserError, "not the format"),
        (200, b'data: {"type": "response.output_item.done"}\n\n', UserError, "not the format"),
        (200, b": nothing\n\n", UserError, "has no end"),
    ],
)
def test_errors_are_one_line(status: int, body: bytes, kind: type[UserError], words: str, reply: Reply) -> None:
    reply.status, reply.body = status, body
    with asking(reply) as backend, pytest.raises(kind, match=words):
        drain(backend.stream(QUESTION))


def test_a_stream_that_is_cut_off_is_an_error(reply: Reply) -> None:
    reply.cut = 150
    with asking(reply) as backend, pytest.raises(UserError, match="endpoint chat"):
        drain(backend.stream(QUESTION))


def test_an_endpoint_that_cannot_be_reached_is_one_line(reply: Reply) -> None:
    with asking(reply) as backend:
        pass
    with pytest.raises(UserError, match="no answer"):
        drain(backend.stream(QUESTION))


def test_the_endpoints_configuration_says_which_version_answers(tmp_path: Path) -> None:
    double = Double()
    with served(double) as address:
        locations = Locations(Workspace("main", "rag"), tmp_path / "models", tmp_path / "index")
        source = ServedEndpoint(client(address, double), NAME, use_case(), locations)
        with pytest.raises(NotReady, match="does not exist"):
            source.wanted()
        double.serving("7")
        assert source.wanted().version == "7"


def test_the_server_answers_through_it(reply: Reply, tmp_path: Path) -> None:
    class Source(Shelved):
        def open(self, version: ChainVersion) -> Backend:
            return backend

    with asking(reply) as backend, TestClient(create_app(parts(tmp_path / "own", Source()))) as app:
        outputs = app.post("/responses", json={"input": "When?"}).json()["custom_outputs"]
    assert outputs["chain"] == {"name": "m", "version": "3"} and reply.asked[0]["context"] == {"user_id": ME.name}
    assert len(list((tmp_path / "own" / "answers").iterdir())) == 1
