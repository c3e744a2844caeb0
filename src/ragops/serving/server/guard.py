"""What every request must satisfy before anything reads it, as ASGI middleware; and a line for each in the log.

- Host and Origin: a site that the user visits cannot use the browser to reach a server on this machine, neither across
  sites nor by a name that it makes resolve to 127.0.0.1 (DNS rebinding). Beyond this machine a proxy may be in front,
  which names the public host.
- The token, where one is set.
- Bodies are JSON and not larger than a megabyte.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragops.platform.model_servers import is_this_machine
from ragops.serving.server.errors import error_response
from ragops.serving.server.pages import SECURITY_HEADERS, is_page
from ragops.serving.server.types import Refused

_log = logging.getLogger("ragops.access")

MAX_BODY_BYTES = 1_000_000
_WITHOUT_TOKEN = ("/health",)
_SAFE = ("GET", "HEAD", "OPTIONS")
_WITHOUT_BODY = (*_SAFE, "DELETE")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is required.

    Attributes:
        token: that every request but those for the page and /health must send; "" for none.
        local: whether the server may be addressed only by names of this machine.
    """

    token: str = ""
    local: bool = True


Measure = Callable[[Scope, int, float], None]
"""Takes each request with the status of its response, 0 for none, and its seconds."""


class Guard:
    """Checks each request, and adds the security headers to each response."""

    def __init__(self, app: ASGIApp, rules: Rules, measure: Measure = lambda scope, status, seconds: None) -> None:
        self._app, self._rules, self._measure = app, rules, measure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response = _Response(scope, send)
        try:
            headers = Headers(scope=scope)
            self._check(scope["method"], scope["path"], headers)
            await self._app(scope, _limited(receive, headers), response.send)
        except Refused as error:
            if not response.started:
                await error_response(error)(scope, receive, response.send)
        finally:
            self._measure(scope, *response.log())

    def _check(self, method: str, path: str, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._rules.local and not is_this_machine(f"http://{host}"):
            raise Refused(
                403, "host_not_allowed", "Host: the server answers only to this machine's names; use http://127.0.0.1"
            )
        public = host if self._rules.local else headers.get("x-forwarded-host", host)
        if origin is not None and urlsplit(origin).netloc not in (host, public):
            raise Refused(403, "origin_not_allowed", "Origin: requests of other sites are refused; use the own page")
        if self._rules.token and path not in _WITHOUT_TOKEN and not (method in _SAFE and is_page(path)):
            self._check_token(headers)
        if method not in _WITHOUT_BODY and not _is_json(headers):
            raise Refused(
                415, "not_json", "Content-Type: the server reads JSON only; send Content-Type: application/json"
            )

    def _check_token(self, headers: Headers) -> None:
        sent = headers.get("authorization", "")
        expected = f"Bearer {self._rules.token}"
        if not hmac.compare_digest(sent.encode(), expected.encode()):
            reason = "is missing" if not sent else "is not the server's"
            raise Refused(
                401, "wrong_token", f"Authorization: the token {reason}; send Authorization: Bearer RAGOPS_SERVER_TOKEN"
            )


class _Response:
    """Adds headers to a response, and remembers its status for the log."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._begun = time.monotonic()
        self._status = 0

    @property
    def started(self) -> bool:
        return self._status != 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    def log(self) -> tuple[int, float]:
        """One line without questions: neither the query string nor the body. Returns status and seconds."""
        seconds = time.monotonic() - self._begun
        status = self._status or "no response"
        _log.info("%s %s %s %.3f s", self._scope["method"], self._scope["path"], status, seconds)
        return self._status, seconds


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _limited(receive: Receive, headers: Mapping[str, str]) -> Receive:
    """The body's messages, up to the limit. Raises Refused beyond it, from the header already where there is one."""
    too_large = Refused(413, "body_too_large", f"body: more than {MAX_BODY_BYTES:,} bytes; send less")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise too_large
        return message

    return limited
