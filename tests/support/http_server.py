"""HTTP servers on loopback for tests: quiet, on a port of their own, and stopped at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class QuietHandler(BaseHTTPRequestHandler):
    """Handles requests without logging them."""

    server: ThreadingHTTPServer

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing, so that tests print nothing."""


class QuietServer(ThreadingHTTPServer):
    """Prints no traceback when a client hangs up; any other error of a handler is printed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler], **attributes: Any) -> Iterator[str]:
    """The address of a server that runs inside the context; `attributes` are set on the handler's class."""
    server = QuietServer(("127.0.0.1", 0), type("Handler", (handler,), attributes))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
