"""The pages' files, and the headers that let a browser run nothing but them."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).with_name("page")

# No inline script or style, nothing from another server, no frame around the page, no HTML made from strings.
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
SECURITY_HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every response; the page's own files are checked again with their ETag instead of loaded again."""


class Page(StaticFiles):
    """The page at / and its files."""

    def __init__(self, folder: Path = PAGE) -> None:
        super().__init__(directory=folder, html=True)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file, which browsers may keep if they ask whether it has changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response


_PAGES = ("/", "/review", "/status")


def page_file(name: str) -> Response:
    """One of the pages, which browsers may keep if they ask whether it has changed."""
    return FileResponse(PAGE / name, headers={"cache-control": "no-cache"})


def is_page(path: str, folder: Path = PAGE) -> bool:
    """Whether a path is one of the pages or their files, which need no token."""
    return path in _PAGES or path.removeprefix("/") in {file.name for file in folder.iterdir()}
