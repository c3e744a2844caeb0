"""GET /status: the page that the job monitor wrote last, with its age; GET /status.json: its summary.

A browser cannot send the server's token when it opens a page. Where there is a token, a small page asks for it as the
chat does, and sends it to POST /status/session for a cookie that opens this page and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ragops.platform.volumes.open import volume_files
from ragops.serving.server.identity import Identify
from ragops.serving.server.pages import page_file
from ragops.serving.server.status_files import AGE_MARK, Status, read_page, read_summary
from ragops.serving.server.types import Refused

COOKIE = "ragops_status"
_COOKIE_S = 12 * 3600
_REFRESH_S = 300  # for a screen on a wall
_POLICY = "; ".join(
    ("default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "base-uri 'none'", "form-action 'none'",
     "frame-ancestors 'none'")
)  # fmt: skip
"""The page's own: one file with its styles and pictures, and without scripts."""


def status_router(
    indexes: Path, identify: Identify, token: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> APIRouter:
    """The routes. They are not async: they read files.

    Args:
        indexes: the volume of the index.
        identify: refuses those whom the platform does not name.
        token: the server's; "" if there is none.
        now: the time.

    Raises:
        Refused: (the routes) 401, nobody is named, or the token is wrong; 404, the job monitor has never run.
        UserError: (the routes) the files cannot be read.
    """
    router, files = APIRouter(), volume_files(indexes)

    @router.get("/status")
    def status(request: Request) -> Response:
        if not _admitted(request, token):
            return page_file("status.html")
        identify(request.headers)
        found = read_summary(indexes, files)
        if found is None:
            return page_file("no_status.html")
        page = read_page(indexes, files).replace(AGE_MARK, _banner(found, now()), 1)
        headers = {"content-security-policy": _POLICY, "refresh": str(_REFRESH_S)}
        return HTMLResponse(page, headers=headers)

    @router.get("/status.json")
    def summary(request: Request) -> dict[str, Any]:
        identify(request.headers)
        found = read_summary(indexes, files)
        if found is None:
            raise Refused(404, "never_monitored", "status: the job monitor has never run here; run it first")
        return {**found.model_dump(mode="json"), "stale": found.is_stale(now())}

    @router.post("/status/session", status_code=204)
    def session() -> Response:  # the guard has checked the token
        response = Response(status_code=204)
        if token:
            response.set_cookie(COOKIE, _ticket(token), _COOKIE_S, path="/status", httponly=True, samesite="strict")
        return response

    return router


def _admitted(request: Request, token: str) -> bool:
    """Whether the request has the token, or the cookie that was given for it; where there is none everyone has."""
    bearer, cookie = request.headers.get("authorization", ""), request.cookies.get(COOKIE, "")
    return (
        not token
        or hmac.compare_digest(bearer.encode(), f"Bearer {token}".encode())
        or hmac.compare_digest(cookie.encode(), _ticket(token).encode())
    )


def _ticket(token: str) -> str:
    """What opens the page: it follows from the token, which cannot be found from it."""
    return hmac.new(token.encode(), b"status page", hashlib.sha256).hexdigest()


def _banner(status: Status, now: datetime) -> str:
    """The line above the page: the way back, how old the page is, and whether that is too old."""
    age = f"Measured {ago(now - status.measured_at)} ago."
    stale = status.is_stale(now)
    if stale:
        late = ago(now - status.stale_after)
        age += f" A newer page has been due for {late}: the job monitor does not run, or fails. Look at its runs first."
    link = '<a href="/">Ask a question</a>'
    return f'<nav class="age {"stale" if stale else "soft"}"><span>{escape(age)}</span> {link}</nav>'


def ago(passed: timedelta) -> str:
    """A duration in the unit that suits it, for example: 3 hours."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
