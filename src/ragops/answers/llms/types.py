"""The interface of a language model: a request in, a reply out, whole or in pieces."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

from ragops.answers.prompts.types import Message
from ragops.text import digest

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")

Pieces = Generator[str, None, "Reply"]
"""The pieces of an answer as they arrive; the generator returns the whole reply (`reply = yield from pieces`)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a model.

    Attributes:
        messages: the chat.
        max_tokens: the longest answer, in the model's tokens.
        temperature: 0 for the most probable answer, which is always the same.
        seed: of the sampling, if the temperature is above 0.
        stop: texts at which the answer ends; they are not part of it.
        response_schema: a JSON schema that the answer must satisfy; None for free text.
        question: the question in the prompt, for a model that needs no prompt.
        evidence: the passages in the prompt, for the same purpose, in the order of their numbers from 1.
        timeout_s: how long the model may take; None for its own limit.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    response_schema: dict[str, Any] | None = None
    question: str = ""
    evidence: tuple[str, ...] = ()
    timeout_s: float | None = None

    def chat(self) -> list[dict[str, str]]:
        """The messages in the form that chat endpoints and chat templates take."""
        return [{"role": message.role, "content": message.content} for message in self.messages]

    def digest(self) -> str:
        """64 hex digits of everything that can change the answer; the timeout cannot."""
        return digest({name: value for name, value in asdict(self).items() if name != "timeout_s"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer.

    Attributes:
        text: the answer.
        model: the model's name in usecase.yml.
        provider: the kind of its provider.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
        seconds: from the request to the end of the answer.
        finish_reason: "stop", "length" if max_tokens cut it off, or what the server reports.
        cached: True if no model was called.
        failed: why each model before this one did not answer, by name.
    """

    text: str
    model: str
    provider: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    finish_reason: str
    cached: bool = False
    failed: dict[str, str] = field(default_factory=dict)


class LanguageModel(Protocol):
    """A model that answers. Its methods may be called from several threads.

    `generate` and `stream` both raise ModelFailure when there is no answer, or an empty one, and ContextOverflow when
    the request is too long; at temperature 0 both give the same text.
    """

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""

    @property
    def context_tokens(self) -> int:
        """The most tokens that prompt and answer may have together."""

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer."""

    def stream(self, request: Request) -> Pieces:
        """Yields the answer in pieces, none of them empty."""

    def count_tokens(self, text: str) -> int:
        """The number of tokens in a text; without a tokenizer, an estimate that errs on the high side."""


def drain(pieces: Generator[_Piece, None, _Result], each: Callable[[_Piece], object] | None = None) -> _Result:
    """Runs a generator to its end and returns its result; calls `each` with every piece."""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            result: _Result = end.value
            return result
        if each is not None:
            each(piece)
