"""Runs the application: uvicorn on one port, until SIGTERM or Ctrl-C, and then until what is under way has ended."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from ragops.errors import UserError

SHUTDOWN_S = 10
"""For answers under way after SIGTERM. An App is killed after 15 s, and traces have to be written in the rest."""
_BACKLOG = 512  # connections that wait to be accepted
# Longer than clients and proxies keep an idle connection (httpx 5 s, nginx 60 s): if the server is the one that closes
# it, it may do so while the next request is on its way, which then fails.
_KEEP_ALIVE_S = 75


def run(app: ASGIApp, bound: socket.socket) -> None:
    """Serves on a socket until the process gets SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more at the end; that end is a success
    with suppress(KeyboardInterrupt):
        uvicorn.Server(configuration(app)).run([bound])


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn runs the application."""
    return uvicorn.Config(
        app,
        log_config=None,
        ws="none",
        access_log=False,  # the guard writes its own lines, without query strings
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; 0 is any port that is free. Raises UserError if the port cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise UserError(f"port {port} of {host}: {error.strerror}; give another one with --port") from error
    return bound


def url(bound: socket.socket) -> str:
    """The address of a server on a socket."""
    host, port, *_ = bound.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
