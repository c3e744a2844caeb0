"""Runs the application: uvicorn on one port, until SIGTERM or Ctrl-C, and then until what is under way has ended."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

SHUTDOWN_S = 12
"""For answers under way after SIGTERM. An App is killed after 15 s, and traces have to be written in the rest."""
_BACKLOG = 512  # connections that wait to be accepted


def run(app: ASGIApp, host: str, port: int) -> None:
    """Serves until the process is told to end. Raises SystemExit if the port cannot be used."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,  # the guard writes its own lines, without query strings
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    uvicorn.Server(config).run()
