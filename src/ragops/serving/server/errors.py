"""Errors over HTTP: the status of each, and the body, which has OpenAI's form. Stack traces stay on the server."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from ragops.answers.llms.errors import ModelFailure
from ragops.errors import RequestError, UserError
from ragops.serving.server.types import NotReady, Refused

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
_INTERNAL = "server: an unexpected error, which is in its log; ask again, and report it if it stays"


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, RequestError):
        return 400
    return 503 if isinstance(error, UserError) else 500


def error_body(error: Exception) -> dict[str, dict[str, Any]]:
    """The body of an error; one that no user can fix is described without its text."""
    status = status_of(error)
    message = str(error) if isinstance(error, UserError) else _INTERNAL
    return {"error": {"message": message, "type": _TYPES.get(status, "server_error"), "code": _code(error)}}


def error_response(error: Exception) -> JSONResponse:
    """The response for an error."""
    headers = {}
    if isinstance(error, Refused) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return JSONResponse(error_body(error), status_of(error), headers)


def _code(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, RequestError):
        return "invalid_request"
    if isinstance(error, ModelFailure):
        return "no_model_answers"
    if isinstance(error, NotReady):
        return "not_ready"
    return "unavailable" if isinstance(error, UserError) else "internal_error"
