"""What can go wrong between a request and its answer, by what may be done about it."""

from __future__ import annotations

from typing import ClassVar

from ragops.errors import UserError


class ModelFailure(UserError):
    """No answer came from a model; another one may give it.

    Attributes:
        retryable: whether the same model may answer when asked again.
        retry_after_s: how long the server asks to be left alone, in seconds; None where it does not say.
        status: of HTTP; None where nothing came.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, retry_after_s: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s, self.status = retry_after_s, status


class Unreachable(ModelFailure):
    """Nobody listens, or the connection broke before an answer began."""

    retryable = True


class TimedOut(ModelFailure):
    """No answer in the time given."""

    retryable = True


class Busy(ModelFailure):
    """The server refuses for now (HTTP 429)."""

    retryable = True


class ServerFault(ModelFailure):
    """The server failed (HTTP 5xx, or an error in the midst of a stream)."""

    retryable = True


class Malformed(ModelFailure):
    """What came is not an answer: no JSON, other fields, or a stream that breaks off."""

    retryable = True


class EmptyAnswer(ModelFailure):
    """The model wrote nothing; asked the same again it would again."""


class Rejected(ModelFailure):
    """The server will not serve such a request (HTTP 3xx, 4xx): a wrong address, token, name or parameter."""


class Unavailable(ModelFailure):
    """The model cannot be had in this place: its files, its library or its key are missing."""


class NoCapacity(ModelFailure):
    """The limits in usecase.yml left no room for the request in time."""


class Resting(ModelFailure):
    """The model failed so often that it is left alone for a while."""


class ContextOverflow(UserError):
    """Prompt and answer together are more than the model can hold."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"Model {model}: {reason}; give fewer passages, or choose a model with a larger context")


class PolicyError(UserError):
    """The use case's classification forbids this model; nothing was sent."""


def reason(error: UserError) -> str:
    """The words of a failure, without the model's name and address that they begin with."""
    return str(error).partition(": ")[2]


def in_brief(error: BaseException) -> str:
    """The kind of a failure, and the status of HTTP: without the server's words, which may repeat the prompt."""
    status = error.status if isinstance(error, ModelFailure) else None
    return type(error).__name__ if status is None else f"{type(error).__name__}, HTTP {status}"


def check_context(model: str, prompt_tokens: int, max_tokens: int, context_tokens: int) -> None:
    """Raises ContextOverflow when the answer would not fit behind the prompt."""
    if prompt_tokens + max_tokens > context_tokens:
        asked = f"{prompt_tokens:,} tokens of prompt and {max_tokens:,} for the answer"
        raise ContextOverflow(model, f"{asked} exceed its context of {context_tokens:,}")
