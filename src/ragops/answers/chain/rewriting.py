"""A follow-up question made to stand alone, so that a search understands it without the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ragops.answers.llms.errors import ContextOverflow, ModelFailure, reason
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.ledger import Caller
from ragops.answers.llms.providers.extractive import terms
from ragops.answers.llms.resilience.retries import Deadline
from ragops.answers.llms.types import Request
from ragops.answers.prompts.delimiters import Request as PromptRequest
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Template
from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS

_MOST_TOKENS = 96
_LONGEST = 400  # characters


class Standalone(NamedTuple):
    """A question that stands alone, and the models that should have made it so and did not, by name, and why."""

    text: str
    failed: dict[str, str]


def standalone(
    question: str,
    history: Sequence[Message],
    template: Template,
    gateway: Gateway,
    who: str,
    key: bytes,
    deadline: Deadline | None = None,
) -> Standalone:
    """The question with what it owes to the conversation put in; `deadline`: of the whole answer.

    Where no model answers, or what it writes is not that question any more (small models chat on, or answer), the
    user's last question is put before this one: a search over both finds what both are about.
    """
    if not history:
        return Standalone(question, {})
    messages = render(template, PromptRequest(question, history=history), key)
    caller = Caller(who, "rewrite", template.name, template.content_hash[:8])
    try:
        reply = gateway.generate(Request(tuple(messages), max_tokens=_MOST_TOKENS, question=question), caller, deadline)
    except (ModelFailure, ContextOverflow) as error:
        return Standalone(_joined(question, history), {gateway.primary_name: reason(error)})
    rewritten = reply.text.strip().strip('"').strip()
    fits = reply.provider != "extractive" and _is_that_question(rewritten, question, history)
    return Standalone(rewritten if fits else _joined(question, history), reply.failed)


def _is_that_question(rewritten: str, question: str, history: Sequence[Message]) -> bool:
    """One line whose words come from the conversation, with those of the question among them."""
    known, asked, written = set(), set(terms(question)), set(terms(rewritten))
    for turn in history:
        known |= set(terms(turn.content))
    one_line = 0 < len(rewritten) <= _LONGEST and "\n" not in rewritten
    return one_line and asked <= written <= known | asked


def _joined(question: str, history: Sequence[Message]) -> str:
    earlier = [turn.content.strip() for turn in history if turn.role == "user"]
    room = MAX_QUESTION_CHARACTERS - len(question) - 1
    return f"{earlier[-1][:room]} {question}" if earlier and room > 0 else question
