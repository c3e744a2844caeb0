"""What a served model sends: chat completions and chunks of a stream, in the forms in which servers really write them.

Null stands for absent everywhere. Content is a text or a list of typed parts, of which only texts are the answer:
reasoning comes as parts of other types, or in fields of its own that are not read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import openai
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel, BeforeValidator, NonNegativeInt, model_validator

_TEXT_TYPES = {"text", "output_text"}


def _joined(content: object) -> object:
    """The text in a message's content; what is neither text nor parts is left to pydantic's check."""
    if isinstance(content, dict):
        content = [content]
    return "".join(_texts(content)) if isinstance(content, list) else content


def _texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type", "text") in _TEXT_TYPES:
            text = part.get("text")
            text = text.get("value") if isinstance(text, dict) else text
            if isinstance(text, str):
                yield text


def _or_default(given: object) -> object:
    return {} if given is None else given


def _count(given: object) -> object:
    """A count of tokens; None for anything else: no answer is given up for its bill."""
    return given if isinstance(given, int) and given >= 0 else None


Content = Annotated[str | None, BeforeValidator(_joined)]
_Count = Annotated[NonNegativeInt | None, BeforeValidator(_count)]


class Usage(BaseModel):
    """Tokens, None where the server does not say."""

    prompt_tokens: _Count = None
    completion_tokens: _Count = None


class Text(BaseModel):
    """A message, or what a chunk adds to it."""

    content: Content = None
    refusal: Content = None
    """Instead of content where the model declines to fill in a schema."""


_Usage = Annotated[Usage | None, BeforeValidator(lambda given: given if isinstance(given, dict) else None)]
_Text = Annotated[Text, BeforeValidator(_or_default)]


class Choice(BaseModel):
    """One of the answers in a completion."""

    message: _Text
    finish_reason: str | None = None


class Completion(BaseModel):
    """A whole answer."""

    choices: list[Choice] | None = None
    usage: _Usage = None


class Delta(BaseModel):
    """What a chunk adds to one of the answers."""

    delta: _Text = Text()
    finish_reason: str | None = None


class Chunk(BaseModel):
    """An event of a stream."""

    choices: list[Delta] | None = None
    usage: _Usage = None

    @model_validator(mode="after")
    def _is_one(self) -> Chunk:
        if not self.model_fields_set:
            raise ValueError("an event has choices or usage")
        return self


class Chunks(openai.Stream[ChatCompletionChunk]):
    """The client's stream of chunks, which also remembers whether the server ended it.

    Attributes:
        is_complete: whether the event [DONE] has been read.
    """

    is_complete = False

    def _iter_events(self) -> Iterator[Any]:
        for event in super()._iter_events():
            self.is_complete |= event.data.startswith("[DONE]")
            yield event
