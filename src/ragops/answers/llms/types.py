"""What a language model is to the rest of the library: a request in, a reply out, whole or in pieces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ragops.answers.prompts.messages import Message

Pieces = Generator[str, None, "Reply"]
"""The pieces of an answer as they come; the generator returns the whole reply (`reply = yield from pieces`)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model.

    Attributes:
        messages: the chat.
        max_tokens: the longest answer, in the model's tokens.
        temperature: 0 for the most probable answer, always the same.
        seed: of the sampling, where the temperature is above 0.
        stop: texts at which the answer ends; they are no part of it.
        response_schema: a JSON schema that the answer must fit; None for free text.
        question: what the prompt was made of, for a model that needs no prompt.
        evidence: the passages that the prompt holds, likewise, in the order of their numbers from 1.
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

    def digest(self) -> str:
        """64 hex digits that differ wherever the answer could; how long one waits for it is no part of them."""
        asked = {name: value for name, value in asdict(self).items() if name != "timeout_s"}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


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
        finish_reason: "stop", or "length" where max_tokens cut it off, or what the server says.
        cached: True where no model was asked.
        failed: the models that should have answered and did not, by name, and why.
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

    Both ways of asking raise ModelFailure when no answer comes, an empty one included, and ContextOverflow when the
    request is too long; at temperature 0 both give the same text.
    """

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""

    @property
    def context_tokens(self) -> int:
        """The most tokens that prompt and answer may have together."""

    def generate(self, request: Request) -> Reply:
        """The whole answer."""

    def stream(self, request: Request) -> Pieces:
        """The answer in pieces, none of them empty."""

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has; where the tokenizer is not at hand, an estimate that errs on the high side."""


def drained(pieces: Pieces) -> Reply:
    """Reads an answer to its end."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            reply: Reply = end.value
            return reply
