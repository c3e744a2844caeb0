"""A follow-up question is rewritten to stand alone, so that search understands it without the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ragops.answers.chain.follow_ups import refers_back
from ragops.answers.llms.errors import ContextOverflow, ModelFailure, failure_reason
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.providers.extractive import terms
from ragops.answers.llms.resilience import Deadline
from ragops.answers.llms.types import Request
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.types import Message, PromptRequest
from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS

_MOST_TOKENS = 96
_LONGEST = 400  # characters


class Standalone(NamedTuple):
    """A question that stands alone, and the models that failed to rewrite it: name to reason."""

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
    """The question with the context that it needs from the conversation.

    If no model answers, or its reply is not a rewritten question (small models chat, or answer it), a question
    that refers back gets the user's previous question in front of it: a search for both finds what both are about.

    Args:
        question: the follow-up.
        history: earlier turns, oldest first.
        template: for the task rewrite.
        gateway: asks the models.
        who: user or service principal, for the ledger.
        key: of the prompt's delimiters.
        deadline: of the whole answer.
    """
    if not history:
        return Standalone(question, {})
    messages = render(template, PromptRequest(question, history=history), key)
    caller = Caller(who, "rewrite", template.name, template.content_hash[:8])
    try:
        reply = gateway.generate(Request(tuple(messages), max_tokens=_MOST_TOKENS, question=question), caller, deadline)
    except (ModelFailure, ContextOverflow) as error:
        return Standalone(_with_previous(question, history), {gateway.primary_name: failure_reason(error)})
    rewritten = reply.text.strip().strip('"').strip()
    is_usable = reply.provider != "extractive" and _is_that_question(rewritten, question, history)
    return Standalone(rewritten if is_usable else _with_previous(question, history), reply.failed)


def _is_that_question(rewritten: str, question: str, history: Sequence[Message]) -> bool:
    """Whether it is one line that keeps the question's terms and adds only terms from the conversation."""
    known, asked, written = set(), set(terms(question)), set(terms(rewritten))
    for turn in history:
        known |= set(terms(turn.content))
    is_short_line = 0 < len(rewritten) <= _LONGEST and "\n" not in rewritten
    return is_short_line and asked <= written <= known | asked


def _with_previous(question: str, history: Sequence[Message]) -> str:
    if not refers_back(question):
        return question
    earlier = [turn.content.strip() for turn in history if turn.role == "user"]
    available = MAX_QUESTION_CHARACTERS - len(question) - 1
    return f"{earlier[-1][:available]} {question}" if earlier and available > 0 else question
