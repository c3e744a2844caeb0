"""An answer as an HTTP response: whole, or as a stream of server-sent events; a client that hangs up leaves it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.answers import Run
from ragops.serving.server.errors import error_response
from ragops.serving.server.wire import Event, Form, encoded

KEEP_ALIVE_S = 15.0
"""After this time without an event a comment is sent, because proxies close connections on which nothing happens."""
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # proxies that would collect a response before they pass it on
}


class AnswerResponse(Response):
    """Sends a run's answer in one wire format, and leaves the run at the end."""

    def __init__(self, run: Run, form: Callable[[Run, ChainVersion], Form], *, stream: bool) -> None:
        super().__init__()
        self._run, self._form, self._stream = run, form, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response until it is complete or the client is gone."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
                await self._send(scope, receive, send)
                group.cancel_scope.cancel()
        finally:
            self._run.leave()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            form = self._form(self._run, await self._run.begun())
            if not self._stream:
                whole = form.whole(await self._run.result())
                body = json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace")
        except Exception as error:
            await error_response(error)(scope, receive, send)
            return
        if not self._stream:
            await _start(send, {"content-type": "application/json", "cache-control": "no-store"})
            await send({"type": "http.response.body", "body": body})
            return
        await _start(send, _HEADERS)
        async for chunk in _chunks(self._run, form):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _chunks(run: Run, form: Form) -> AsyncIterator[bytes]:
    yield _encoded(form.opening())
    async for text in run.pieces(KEEP_ALIVE_S):
        yield _encoded(form.piece(text)) if text else b": waiting\n\n"
    try:
        answered = await run.result()
    except Exception as error:
        yield _encoded(form.failure(error))
    else:
        yield _encoded(form.closing(answered))


def _encoded(events: Iterable[Event]) -> bytes:
    return b"".join(map(encoded, events))


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """The body has been read: the next message is that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _start(send: Send, headers: Mapping[str, str]) -> None:
    encoded_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": encoded_headers})
