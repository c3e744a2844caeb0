"""From a model's reply to the answer in it, as the prompt's technique has it written."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ragops.answers.prompts.template import Template

_CITED = re.compile(r"\[\d")
_NO_WORD = re.compile(r"\W+")


class _Structured(BaseModel):
    answerable: bool | None = None
    answer: str | None = None
    citations: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The answer's text, and whether it says that there is none."""

    text: str
    abstains: bool


def read(reply: str, template: Template, abstentions: Collection[str]) -> Written:
    """The answer in a reply.

    A structured reply that is not the JSON asked for is read as text: a model that cannot write JSON may still answer.
    `abstentions` are the sentences that say that there is no answer.
    """
    given = _structured(reply) if template.technique == "structured" else None
    if given is None:
        text = template.answer_in(reply)
        return Written(text, _abstains(text, abstentions))
    text = (given.answer or "").strip()
    if given.answerable is False or not text:
        return Written(text, True)
    numbers = [number for number in given.citations or () if type(number) is int]  # what else is listed cites nothing
    if not _CITED.search(text):
        text = " ".join([text, *(f"[{number}]" for number in dict.fromkeys(numbers))])
    return Written(text, _abstains(text, abstentions))


def _structured(reply: str) -> _Structured | None:
    """The outermost JSON object of a reply, which may stand in a fence or behind a greeting."""
    try:
        return _Structured.model_validate_json(reply[reply.index("{") : reply.rindex("}") + 1])
    except ValueError:  # pydantic's own is one
        return None


def _abstains(text: str, abstentions: Collection[str]) -> bool:
    """Whether the text begins with such a sentence and cites nothing: what follows is politeness."""
    said = _words(text)
    return not _CITED.search(text) and any(said.startswith(_words(one)) for one in abstentions if one)


def _words(text: str) -> str:
    return _NO_WORD.sub(" ", text.replace("’", "'")).strip().casefold()
