"""Instructions that somebody proposes for a template, and what they may not be.

They are written by a model that has read answers, and answers repeat documents. What a document says must not get into
the system's role that way, so a proposal that repeats a run of words it was shown is refused, and whoever takes one
over reads it first: nothing here puts a prompt to use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ragops.answers.prompts.template import Template
from ragops.assembly import PROMPT_TOKENS
from ragops.errors import explain

_RUN = 8
"""Words in a row: fewer are common phrases, and more leave room for an order."""
_SHARE = 2
"""Half of what a context keeps for a prompt beside its passages; the rest is for marks, the question and examples."""
_WORD = re.compile(r"[^\W_]+")


def with_instructions(template: Template, instructions: str) -> Template:
    """The template with another system text.

    Raises:
        ValueError: it is no sound template then; says in one line what is wrong.
    """
    text = instructions.strip()
    if not text:
        raise ValueError("it is empty")
    try:
        return Template.model_validate(template.model_dump() | {"system": text})
    except ValidationError as error:
        raise ValueError(explain(error.errors(), root="")) from error


def fault(
    template: Template, instructions: str, shown: Iterable[str], count_tokens: Callable[[str], int]
) -> str | None:
    """Why a proposal cannot be used, in one line; None for one that can.

    Args:
        template: the one that it is for.
        instructions: the proposal.
        shown: texts that its author was shown beside the template.
        count_tokens: as the model counts that will read it.
    """
    try:
        with_instructions(template, instructions)
    except ValueError as error:
        return str(error)
    tokens, room = count_tokens(instructions), max(PROMPT_TOKENS // _SHARE, count_tokens(template.system))
    if tokens > room:
        return f"it has {tokens} tokens, and there is room for {room}"
    if copied := repeated(instructions, shown, template.system):
        return f"it repeats what it was shown ({copied}); instructions must hold for any question"
    return None


def repeated(text: str, shown: Iterable[str], own: str = "") -> str | None:
    """The first eight words in a row that the text has from what was shown, and not from its own; None without any."""
    known = {run for one in shown for run in _runs(one)} - set(_runs(own))
    return next((" ".join(run) for run in _runs(text) if run in known), None)


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return [tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)]


def system_text(turns: str | Sequence[Mapping[str, Any]]) -> str:
    """The system's text among a chat prompt's turns; "" where there is none, as in a prompt of a single text."""
    given = (str(turn["content"]) for turn in turns if not isinstance(turn, str) and turn["role"] == "system")
    return next(given, "")
