"""The platform's proxy in front of an App: it admits who has a token, says who it is, and passes everything on.

Headers: docs.databricks.com, dev-tools/databricks-apps/http-headers. What clients send under these names is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from tests.support.app_double import USER_TOKEN
from tests.support.http_server import QuietHandler, serve

USER = "ann@firm"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "authorization"}


class _Handler(QuietHandler):
    client: httpx.Client
    app: str

    def _pass_on(self) -> None:
        if self.headers["Authorization"] != f"Bearer {USER_TOKEN}":
            self.send_error(401)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _HOP_BY_HOP and not name.lower().startswith("x-forwarded-")
        }
        host = self.headers["Host"]
        who = {"Email": USER, "Preferred-Username": "Ann", "User": "17@7", "Access-Token": USER_TOKEN, "Host": host}
        kept |= {f"X-Forwarded-{name}": value for name, value in who.items()} | {"Host": urlsplit(self.app).netloc}
        with self.client.stream(self.command, self.app + self.path, headers=kept, content=body) as response:
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                if name not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()  # HTTP/1.0: the body ends with the connection
            for piece in response.iter_raw():
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_POST = do_DELETE = do_HEAD = do_OPTIONS = _pass_on  # noqa: N815


@contextmanager
def proxy(app: str) -> Iterator[str]:
    """The address under which people reach the App at this address."""
    with httpx.Client(timeout=120) as client, serve(_Handler, client=client, app=app) as address:
        yield address
