"""From a model's reply to the answer in it, in the form that the prompt's technique asks for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ragops.answers.prompts.citation_forms import cites
from ragops.answers.prompts.template import Template

_NOT_A_WORD = re.compile(r"\W+")


class _Structured(BaseModel):
    answerable: bool | None = None
    answer: str | None = None
    citations: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """The answer's text, and whether it is an abstention."""

    text: str
    abstains: bool


def parse_reply(reply: str, template: Template, abstentions: Collection[str]) -> Parsed:
    """The answer in a reply.

    A structured reply that is not the requested JSON is read as text: a model that cannot write JSON may still answer.

    Args:
        reply: the model's text.
        template: of the prompt.
        abstentions: sentences of abstention.
    """
    structured = _structured(reply) if template.technique == "structured" else None
    if structured is None:
        text = template.answer_in(reply)
        return Parsed(text, _abstains(text, abstentions))
    text = (structured.answer or "").strip()
    if structured.answerable is False or not text:
        return Parsed(text, True)
    numbers = [number for number in structured.citations or () if type(number) is int]  # neither bool nor text
    if not cites(text):
        text = " ".join([text, *(f"[{number}]" for number in dict.fromkeys(numbers))])
    return Parsed(text, _abstains(text, abstentions))


def _structured(reply: str) -> _Structured | None:
    """The outermost JSON object of a reply, which may be inside a fence or after a greeting."""
    try:
        return _Structured.model_validate_json(reply[reply.index("{") : reply.rindex("}") + 1])
    except ValueError:  # includes pydantic's ValidationError
        return None


def _abstains(text: str, abstentions: Collection[str]) -> bool:
    """Whether the text begins with a sentence of abstention and cites nothing; anything after it is politeness."""
    normalized = _normalized(text)
    return not cites(text) and any(normalized.startswith(_normalized(one)) for one in abstentions if one)


def _normalized(text: str) -> str:
    return _NOT_A_WORD.sub(" ", text.replace("’", "'")).strip().casefold()
