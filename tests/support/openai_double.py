"""A real HTTP server that speaks OpenAI's API as Databricks does, or another; it checks what it is sent, and fails when
told to.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.dialects import DATABRICKS, Dialect

EMBEDDING_FIELDS = frozenset({"model", "input"})


@dataclass
class Behaviour:
    """How to answer one request."""

    text: str = "The answer is 42 [1]."
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    raw: str | None = None
    cut_after: int | None = None
    error: dict[str, Any] | None = None
    finish: str = "stop"
    usage: bool = True
    endless: str | None = None
    """Sent again and again, and no end of it; for as long as a client may be expected to bear it."""


_ENDLESS_S = 20.0

Answering = Callable[[dict[str, Any]], Behaviour]


class OpenAIDouble:
    """Answers the nth request by the nth behaviour, and any further one by the last; or each by what `answer` says."""

    def __init__(self, *script: Behaviour, answer: Answering | None = None) -> None:
        self.script = list(script) or [Behaviour()]
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Message] = []
        self.url = ""

    def next(self, body: dict[str, Any]) -> Behaviour:
        if self.answer:
            return self.answer(body)
        return self.script[min(len(self.bodies), len(self.script)) - 1]


@contextmanager
def serving(
    *script: Behaviour,
    answer: Answering | None = None,
    dialect: Dialect = DATABRICKS,
    refuses: frozenset[str] = frozenset(),
) -> Iterator[OpenAIDouble]:
    """`refuses`: fields that it does not take, besides those that such a server never does."""
    double = OpenAIDouble(*script, answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 (the library's name)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            double.bodies.append(body)
            double.headers.append(self.headers)
            behaviour = double.next(body)
            time.sleep(behaviour.delay_s)
            try:
                self._answer(body, behaviour)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _answer(self, body: dict[str, Any], behaviour: Behaviour) -> None:
            if self.path.endswith("/embeddings"):
                if refusal := replace(dialect, fields=EMBEDDING_FIELDS).refuses(body, refuses):
                    self._send(dialect.status, json.dumps(refusal), {})
                    return
                rows = [{"index": row, "embedding": [1.0, 0.0, float(row)]} for row, _ in enumerate(body["input"])]
                self._send(200, json.dumps({"data": rows}), {})
            elif self.path != f"{dialect.path}/chat/completions":
                self._send(404, json.dumps(dialect.error(f"no {self.path}")), {})
            elif refusal := dialect.refuses(body, refuses):
                self._send(dialect.status, json.dumps(refusal), {})
            elif problem := _problem(body):
                self._send(400, json.dumps(dialect.error(problem)), {})
            elif behaviour.endless is not None:
                self._begin(behaviour.status)
                until = time.monotonic() + _ENDLESS_S
                while time.monotonic() < until:
                    self._chunk(behaviour.endless)
                    time.sleep(0.05)
                self.close_connection = True
            elif behaviour.status != 200:
                if behaviour.cut_after is not None:
                    self._begin(behaviour.status)
                    self.close_connection = True
                    return
                error = behaviour.error or dialect.error("as told")
                self._send(behaviour.status, json.dumps(error), behaviour.headers)
            elif behaviour.raw is not None:
                kind = "text/event-stream" if body.get("stream") else "application/json"
                self._send(200, behaviour.raw, {"Content-Type": kind})
            elif body.get("stream"):
                self._stream(body, behaviour)
            else:
                self._send(200, json.dumps(_completion(body, behaviour)), {"Content-Type": "application/json"})

        def _stream(self, body: dict[str, Any], behaviour: Behaviour) -> None:
            self._begin(200)
            for number, event in enumerate(_events(body, behaviour, dialect.usage_unasked)):
                if number == behaviour.cut_after:
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

        def _send(self, status: int, content: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}{dialect.path}"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()


def _problem(body: dict[str, Any]) -> str:
    """Why any server would refuse this body."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages must be a list"
    if any(set(one) != {"role", "content"} or one["role"] not in {"system", "user", "assistant"} for one in messages):
        return "a message is not one"
    if not isinstance(body.get("model"), str):
        return "model is wanted"
    return "" if body.get("stream") or "stream_options" not in body else "stream_options without stream"


def _usage(body: dict[str, Any], text: str) -> dict[str, int]:
    read = sum(len(one["content"].split()) for one in body["messages"])
    return {"prompt_tokens": read, "completion_tokens": len(text.split()), "total_tokens": read + len(text.split())}


def _completion(body: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    message = {"role": "assistant", "content": behaviour.text}
    done = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": behaviour.finish}],
    }
    return done | ({"usage": _usage(body, behaviour.text)} if behaviour.usage else {})


def _events(body: dict[str, Any], behaviour: Behaviour, usage_unasked: bool) -> Iterator[str]:
    """`usage_unasked`: each chunk says how many tokens there are so far."""
    common = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

    said: list[str] = []

    def event(delta: dict[str, str], finish: str | None = None) -> str:
        said.append(delta.get("content", ""))
        result = {"usage": _usage(body, "".join(said))} if behaviour.usage and usage_unasked else {}
        return json.dumps(common | result | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield event({"role": "assistant", "content": ""})
    for word in behaviour.text.split(" ") if behaviour.text else []:
        yield event({"content": word + " "})
    yield event({}, behaviour.finish)
    if behaviour.usage and body.get("stream_options", {}).get("include_usage"):
        yield json.dumps(common | {"choices": [], "usage": _usage(body, behaviour.text)})
    yield "[DONE]"
