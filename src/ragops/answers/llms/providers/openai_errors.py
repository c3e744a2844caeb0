"""Translates the openai client's errors into ModelFailure and ContextOverflow, with what to do about each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai

from ragops.answers.llms.errors import (
    Busy,
    ContextOverflow,
    Declined,
    Malformed,
    ModelFailure,
    Rejected,
    ServerFault,
    TimedOut,
    Unreachable,
)
from ragops.answers.llms.providers.deadline_socket import TimeLimit
from ragops.answers.llms.providers.request_fields import error_text, is_too_long, refused_field
from ragops.errors import UserError
from ragops.platform.model_servers import is_transient, refusal
from ragops.text import one_line

_MESSAGE_CHARACTERS = 200
_BAD_REQUEST = {400, 422}
_REQUIRED = ("model", "messages")
_FILTERED = "content_filter"
_LATE = "no answer in time; raise timeout_s, or choose a faster model"


class ServerErrors:
    """The errors of one model on one server."""

    def __init__(self, model: str, base_url: str) -> None:
        """Every message begins with the model's name in usecase.yml and the server's address."""
        self._model = model
        self._url = base_url

    def line(self, reason: str) -> str:
        """A message about the model and its server."""
        return f"Model {self._model} at {self._url}: {reason}"

    def error(self, kind: type[ModelFailure], reason: str, status: int | None = None) -> ModelFailure:
        """An error with such a message."""
        return kind(self.line(reason), status=status)

    @contextmanager
    def in_time(self, seconds: float) -> Iterator[None]:
        """Ends the block after `seconds`, whatever the server sends until then, and translates the client's errors.

        Raises:
            ModelFailure: the client failed, or the time is over.
            ContextOverflow: the server counts more tokens than the model can take.
        """
        failure: UserError | None = None
        with TimeLimit(seconds) as limit:
            try:
                with self._translated():
                    yield
            except UserError as error:
                failure = error
        if limit.expired:
            raise self.error(TimedOut, _LATE) from failure
        if failure is not None:
            raise failure

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except openai.APITimeoutError as error:
            raise self.error(TimedOut, _LATE) from error
        except (openai.APIConnectionError, httpx.HTTPError) as error:  # older clients let httpx's pass in a stream
            raise self.error(Unreachable, f"{_cause(error)}; check that it is up") from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.APIError as error:
            raise self.error(ServerFault, shorten(error.message)) from error
        except (ValueError, RecursionError, openai.OpenAIError) as error:  # a line of the stream that is not JSON
            raise self.error(
                Malformed, f"its response is not a valid answer ({shorten(str(error))}); check its address"
            ) from error

    def _refusal(self, error: openai.APIStatusError) -> UserError:
        status, response, message = error.status_code, error.response, error_text(error.response.text)
        details = shorten(f"HTTP {status} {message}")
        if is_transient(status):
            kind = Busy if status == 429 else ServerFault
            return kind(self.line(details), _retry_after(response.headers.get("retry-after")), status)
        location = shorten(response.headers["location"]) if response.has_redirect_location else ""
        if not location and status not in {401, 403}:
            if _FILTERED in (error.code, _inner_code(error.body)):
                return self.error(Declined, f"its filter declines to answer ({details}); rephrase the question", status)
            if is_too_long(message, error.code):
                return ContextOverflow(self._model, f"the server refuses the prompt ({details})")
            if name := field_refused_by(error, _REQUIRED):
                reason = f"it refuses the required field {name} ({details}); name a chat model in usecase.yml"
                return self.error(Rejected, reason, status)
        return self.error(Rejected, refusal(status, location, details), status)


def field_refused_by(error: openai.APIStatusError, sent: Collection[str]) -> str | None:
    """Which of the sent fields a refusal names as not accepted; None if it has another reason."""
    if error.status_code not in _BAD_REQUEST:
        return None
    message = error_text(error.response.text)
    return None if is_too_long(message, error.code) else refused_field(message, error.code, error.param, sent)


def read_error(response: Any) -> None:  # noqa: ANN401 - httpx2's, which is the client's own
    """Reads the body of an error early: when the client reads it later, it lets httpx2's exceptions pass."""
    if not response.is_success:
        response.read()


def _inner_code(body: object) -> object:
    """The code of a body that the client does not read it from: {"error": {"code": ...}} within another object."""
    inner = body.get("error") if isinstance(body, dict) else None
    return inner.get("code") if isinstance(inner, dict) else None


def _retry_after(header: str | None) -> float | None:
    """The seconds of a Retry-After header; None for a date, which RFC 9110 allows but model servers do not send."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _cause(error: BaseException) -> str:
    return shorten(str(error.__cause__ or error)) or type(error).__name__


def shorten(text: str) -> str:
    """The beginning of a server's text in one line."""
    return one_line(text, _MESSAGE_CHARACTERS)
