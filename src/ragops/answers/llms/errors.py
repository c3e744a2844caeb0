"""What can go wrong between a request and its answer, by what can be done about it.

The ledger records the names of these classes in its column `error`.
"""

from __future__ import annotations

from typing import ClassVar

from ragops.errors import UserError


class ModelFailure(UserError):
    """A model gave no answer; another one may.

    Attributes:
        retryable: whether the same model may answer when called again.
        retry_after_s: how long the server asks clients to wait, in seconds; None if it does not say.
        status: of HTTP; None without a response.
        tokens: read and written for nothing: a server bills them.
    """

    retryable: ClassVar[bool] = False
    tokens: tuple[int, int] = (0, 0)

    def __init__(self, message: str, retry_after_s: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s, self.status = retry_after_s, status


class Unreachable(ModelFailure):
    """The server does not listen, or the connection broke before an answer began."""

    retryable = True


class TimedOut(ModelFailure):
    """No answer within the time limit."""

    retryable = True


class Busy(ModelFailure):
    """The server is overloaded or limits the rate (HTTP 429)."""

    retryable = True


class ServerFault(ModelFailure):
    """The server failed (HTTP 5xx, or an error inside a stream)."""

    retryable = True


class Malformed(ModelFailure):
    """The response is not an answer: not JSON, unexpected fields, or a stream that breaks off."""

    retryable = True


class EmptyAnswer(ModelFailure):
    """The model wrote nothing, and would write nothing again."""


class Declined(ModelFailure):
    """The model or a filter of its server declines to answer, and would decline again."""


class Rejected(ModelFailure):
    """The server rejects the request (HTTP 3xx, 4xx): a wrong address, token, name or parameter."""


class Unavailable(ModelFailure):
    """The model is not available here: its files, its library or its key are missing."""


class NoCapacity(ModelFailure):
    """The limits in usecase.yml did not allow the request in time."""


class Resting(ModelFailure):
    """The model failed several times in a row; its circuit breaker is open."""


class ContextOverflow(UserError):
    """Prompt and answer together exceed the model's context."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model}: {reason}; give fewer passages, or choose a model with a larger context")


class PolicyError(UserError):
    """The documents' classification forbids this model; nothing was sent."""


def failure_reason(error: UserError) -> str:
    """The message of a failure without its prefix, the model's name and address."""
    return str(error).partition(": ")[2]


def kind_and_status(error: BaseException) -> str:
    """The kind of a failure and its HTTP status, without the server's words, which may repeat the prompt."""
    status = error.status if isinstance(error, ModelFailure) else None
    return type(error).__name__ if status is None else f"{type(error).__name__}, HTTP {status}"


def check_context(model: str, prompt_tokens: int, max_tokens: int, context_tokens: int) -> None:
    """Raises ContextOverflow if prompt and answer do not fit into the context together."""
    if prompt_tokens + max_tokens > context_tokens:
        needed = f"{prompt_tokens:,} prompt tokens and {max_tokens:,} for the answer"
        raise ContextOverflow(model, f"{needed} exceed its context of {context_tokens:,}")
