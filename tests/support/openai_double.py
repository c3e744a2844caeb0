"""A real HTTP server that speaks OpenAI's API in a given dialect. It checks requests and fails on demand."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from threading import Event
from typing import Any

from tests.support.dialects import DATABRICKS, Dialect
from tests.support.http_server import QuietHandler, serve

EMBEDDING_FIELDS = frozenset({"model", "input"})
_CHUNK_PAUSE_S = 0.02


@dataclass
class Behavior:
    """How to answer one request.

    Attributes:
        text: the answer.
        status: of HTTP.
        headers: of the response to a failed request.
        hangs: sends nothing until the test ends.
        raw: the body to send instead of an answer.
        cut_after: closes the connection after this many events of a stream.
        error: the body of a failed request, instead of the dialect's.
        finish: the finish reason.
        usage: whether to report token counts.
        refusal: what the model says instead of filling in a schema.
        endless: sends this text again and again until the client hangs up or the test ends.
    """

    text: str = "The answer is 42 [1]."
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    raw: str | None = None
    cut_after: int | None = None
    error: dict[str, Any] | None = None
    finish: str = "stop"
    usage: bool = True
    refusal: str | None = None
    endless: str | None = None


Answering = Callable[[dict[str, Any]], Behavior]


class OpenAIDouble:
    """Answers the nth request by the nth behavior and any further one by the last, or each by the function `answer`.

    Attributes:
        bodies: of all requests so far.
        headers: likewise.
        url: the server's base URL.
        closing: set when the test ends.
    """

    def __init__(self, *script: Behavior, answer: Answering | None = None) -> None:
        self.script = list(script) or [Behavior()]
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Message] = []
        self.url = ""
        self.closing = Event()

    def next(self, body: dict[str, Any]) -> Behavior:
        if self.answer:
            return self.answer(body)
        return self.script[min(len(self.bodies), len(self.script)) - 1]


@contextmanager
def serving(
    *script: Behavior,
    answer: Answering | None = None,
    dialect: Dialect = DATABRICKS,
    refuses: frozenset[str] = frozenset(),
) -> Iterator[OpenAIDouble]:
    """Runs a double; `refuses`: fields that it refuses in addition to those that its dialect does not know."""
    double = OpenAIDouble(*script, answer=answer)
    with serve(_Handler, double=double, dialect=dialect, refuses=refuses) as address:
        double.url = address + dialect.path
        try:
            yield double
        finally:
            double.closing.set()


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    double: OpenAIDouble
    dialect: Dialect
    refuses: frozenset[str]

    def do_POST(self) -> None:  # noqa: N802 (the library's name)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.double.bodies.append(body)
        self.double.headers.append(self.headers)
        behavior = self.double.next(body)
        if behavior.hangs:
            self.double.closing.wait()
            self.close_connection = True
        elif self.path.endswith("/embeddings"):
            self._embed(body)
        elif self.path != f"{self.dialect.path}/chat/completions":
            self._send(404, self.dialect.error(f"no {self.path}"))
        elif refusal := self.dialect.refuses(body, self.refuses):
            self._send(self.dialect.status, refusal)
        elif problem := _problem(body):
            self._send(400, self.dialect.error(problem))
        else:
            self._answer(body, behavior)

    def _embed(self, body: dict[str, Any]) -> None:
        if refusal := replace(self.dialect, fields=EMBEDDING_FIELDS).refuses(body, self.refuses):
            self._send(self.dialect.status, refusal)
            return
        rows = [{"index": row, "embedding": [1.0, 0.0, float(row)]} for row, _ in enumerate(body["input"])]
        self._send(200, {"data": rows})

    def _answer(self, body: dict[str, Any], behavior: Behavior) -> None:
        if behavior.endless is not None:
            self._begin(behavior.status)
            while not self.double.closing.wait(_CHUNK_PAUSE_S):
                self._chunk(behavior.endless)
            self.close_connection = True
        elif behavior.status != 200 and behavior.cut_after is not None:
            self._begin(behavior.status)
            self.close_connection = True
        elif behavior.status != 200:
            error = behavior.error or self.dialect.error("scripted failure")
            self._send(behavior.status, error, behavior.headers)
        elif behavior.raw is not None:
            kind = "text/event-stream" if body.get("stream") else "application/json"
            self._send(200, behavior.raw, {"Content-Type": kind})
        elif body.get("stream"):
            self._stream(body, behavior)
        else:
            self._send(200, _completion(body, behavior))

    def _stream(self, body: dict[str, Any], behavior: Behavior) -> None:
        self._begin(200)
        for number, event in enumerate(_events(body, behavior, self.dialect.usage_unasked)):
            if number == behavior.cut_after:
                self.close_connection = True  # without the last, empty chunk: the stream is cut
                return
            self._chunk(f"data: {event}\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _send(self, status: int, content: str | dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def _problem(body: dict[str, Any]) -> str:
    """Why any server would refuse this body."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages must be a list"
    if any(set(one) != {"role", "content"} or one["role"] not in {"system", "user", "assistant"} for one in messages):
        return "a message is malformed"
    if not isinstance(body.get("model"), str):
        return "model must be a string"
    return "" if body.get("stream") or "stream_options" not in body else "stream_options without stream"


def _usage(body: dict[str, Any], text: str) -> dict[str, int]:
    read = sum(len(one["content"].split()) for one in body["messages"])
    return {"prompt_tokens": read, "completion_tokens": len(text.split()), "total_tokens": read + len(text.split())}


def _completion(body: dict[str, Any], behavior: Behavior) -> dict[str, Any]:
    refused = behavior.refusal is not None
    message = {"role": "assistant", "content": None if refused else behavior.text, "refusal": behavior.refusal}
    done = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": behavior.finish}],
    }
    return done | ({"usage": _usage(body, behavior.text)} if behavior.usage else {})


def _events(body: dict[str, Any], behavior: Behavior, usage_unasked: bool) -> Iterator[str]:
    """`usage_unasked`: each chunk reports the tokens so far."""
    common = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

    written: list[str] = []

    def event(delta: dict[str, str], finish: str | None = None) -> str:
        written.append(delta.get("content", ""))
        result = {"usage": _usage(body, "".join(written))} if behavior.usage and usage_unasked else {}
        return json.dumps(common | result | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield event({"role": "assistant", "content": ""})
    for word in behavior.text.split(" ") if behavior.text else []:
        yield event({"content": word + " "})
    yield event({}, behavior.finish)
    if behavior.usage and body.get("stream_options", {}).get("include_usage"):
        yield json.dumps(common | {"choices": [], "usage": _usage(body, behavior.text)})
    yield "[DONE]"
