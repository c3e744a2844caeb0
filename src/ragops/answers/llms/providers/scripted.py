"""A model for tests and demonstrations: it gives scripted replies and records its requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from itertools import chain, repeat

from ragops.answers.llms.errors import EmptyAnswer, check_context
from ragops.answers.llms.types import Pieces, Reply, Request, drain

Rule = Callable[[Request], str]
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|\Z)|\s+")


class ScriptedModel:
    """Answers by a rule, or with replies in order, repeating the last one; an exception among them is raised.

    Attributes:
        requests: all requests so far.
    """

    provider = "scripted"

    def __init__(
        self, replies: Rule | Iterable[str | Exception], name: str = "scripted", context_tokens: int = 1_000_000
    ) -> None:
        """Takes a function from request to text, or at least one reply."""
        self.name = name
        self.context_tokens = context_tokens
        self.requests: list[Request] = []
        self._rule = replies if callable(replies) else _in_order(list(replies))
        self._lock = threading.Lock()

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer."""
        return drain(self.stream(request))

    def stream(self, request: Request) -> Pieces:
        """Yields the answer word by word."""
        prompt = sum(self.count_tokens(message.content) for message in request.messages)
        check_context(self.name, prompt, request.max_tokens, self.context_tokens)
        with self._lock:
            self.requests.append(request)
            text = self._rule(request)
        if not text.strip():
            raise EmptyAnswer(f"Model {self.name}: the model returned an empty answer; rephrase the question")
        yield from _PIECE.findall(text)
        return Reply(text, self.name, self.provider, prompt, self.count_tokens(text), 0.0, "stop")

    def count_tokens(self, text: str) -> int:
        """Counts words."""
        return len(text.split())


def _in_order(replies: list[str | Exception]) -> Rule:
    endless = chain(replies, repeat(replies[-1]))

    def next_reply(_request: Request) -> str:
        reply = next(endless)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return next_reply
