"""Runs the application: uvicorn on one port, until SIGTERM or Ctrl-C, and then until what is under way has ended."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
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


def run(app: ASGIApp, host: str, port: int, listening: Callable[[str], None]) -> None:
    """Serves until the process is told to end.

    Args:
        app: the application.
        host: the address to bind.
        port: the port to bind; 0 for any that is free.
        listening: gets the server's URL as soon as it accepts connections.

    Raises:
        UserError: the port cannot be used.
    """
    bound = _bind(host, port)
    name = f"[{host}]" if ":" in host else host
    listening(f"http://{name}:{bound.getsockname()[1]}")
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more at the end; that end is a success
    with suppress(KeyboardInterrupt):
        uvicorn.Server(configuration(app)).run([bound])


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn runs the application."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the guard writes its own lines, without query strings
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def _bind(host: str, port: int) -> socket.socket:
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
