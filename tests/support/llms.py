"""Settings, requests, a caller and a clock for tests of language models."""

from typing import Any

from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.settings import Models
from ragops.answers.llms.types import Request
from ragops.answers.prompts.types import Message

ME = Caller("me@firm", "ask", "answer", "3", "trace-1")


def models(primary: str, fallback: list[str], *known: dict[str, Any], **rest: Any) -> Models:
    answer = {"primary": primary, "fallback": fallback} | rest.pop("answer", {})
    return Models.model_validate({"answer": answer, "known": known, **rest})


def scripted(name: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, "provider": "scripted", "replies": ["-"], **rest}


def served(name: str, **rest: Any) -> dict[str, Any]:
    given = {"provider": "openai_compatible", "served_name": "llama", "context_tokens": 4096}
    return {"name": name, **given, **rest}


def ask(text: str = "What is it?", **rest: Any) -> Request:
    return Request((Message("user", text),), **rest)


class Clock:
    """A clock that advances only when `sleep` is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
