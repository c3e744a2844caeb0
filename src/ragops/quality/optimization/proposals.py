"""Instructions that a model proposes for a template: how it is asked for them, and why a proposal is refused.

The model has read answers, and answers repeat documents. What a document says must not get into the system prompt that
way, so a proposal that repeats a run of words from the answers is refused. Nothing here deploys a prompt: a person
reviews it first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.types import Reply, Request
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.types import Message, PromptRequest, Source
from ragops.assembly import PROMPT_TOKENS
from ragops.errors import UserError, explain
from ragops.text import words

TEMPLATE = "improve_instructions"
_ATTEMPTS = 3
_MAX_TOKENS = 2_000
_TEMPERATURE = 1.0
"""Proposals have to differ; with the seed, a server that supports it proposes the same for the same answers."""

_RUN = 8
"""Words in a row: shorter runs are common phrases, and longer ones would let an instruction through."""
_SHARE = 2
"""Instructions may take half of `PROMPT_TOKENS`; delimiters, the question and examples need the rest."""


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """A question, the answer it got, and what was right and wrong about the answer."""

    question: str
    answer: str
    judgement: str


class Reflection:
    """Asks for proposals through the gateway: data policy, limits and ledger apply to them as they do to answers."""

    def __init__(self, gateway: Gateway, template: Template, key: bytes, who: str) -> None:
        """`template` is for the task improve, `key` is that of the delimiters around the answers.

        `refused` collects what was wrong with proposals, or why there was none.
        """
        self._gateway = gateway
        self._template = template
        self._key = key
        self._caller = Caller(who, "improve", template.name, template.content_hash[:8])
        self._requests = 0
        self.refused: list[str] = []

    def propose(
        self, instructions: str, examples: Sequence[JudgedAnswer], fault: Callable[[str], str | None]
    ) -> str | None:
        """Better instructions; None after three proposals with a `fault`, of which the model is informed each time.

        Raises:
            UserError: policy forbids the model, or it does not answer.
        """
        shown = [_source(number, one) for number, one in enumerate(examples, start=1)]
        request = PromptRequest("", shown, values={"instructions": instructions})
        messages = render(self._template, request, self._key)
        for _ in range(_ATTEMPTS):
            try:
                reply = self._reply(messages)
            except UserError as error:
                self.refused.append(str(error))
                raise
            proposal = self._template.answer_in(reply.text)
            wrong = self._unfinished(reply) or fault(proposal)
            if wrong is None:
                return proposal
            self.refused.append(wrong)
            again = f"That cannot be used: {wrong}. Write the instructions again, in the same form."
            messages = [*messages, Message("assistant", reply.text), Message("user", again)]
        return None

    def _reply(self, messages: Sequence[Message]) -> Reply:
        self._requests += 1
        request = Request(tuple(messages), max_tokens=_MAX_TOKENS, temperature=_TEMPERATURE, seed=self._requests)
        return self._gateway.generate(request, self._caller)

    def _unfinished(self, reply: Reply) -> str | None:
        if self._template.answer_after and self._template.answer_after not in reply.text:
            return f"it has no line '{self._template.answer_after}'"
        cut = f"it is cut off after {reply.completion_tokens} tokens"
        return cut if reply.finish_reason == "length" else None


def with_instructions(template: Template, instructions: str) -> Template:
    """The template with another system text.

    Raises:
        ValueError: the template would not be valid; says why in one line.
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
    """Why a proposal cannot be used, in one line; None if it can.

    Args:
        template: the template that it is for.
        instructions: the proposal.
        shown: texts that its author was shown in addition to the template.
        count_tokens: counts as the model that will read the instructions.
    """
    try:
        with_instructions(template, instructions)
    except ValueError as error:
        return str(error)
    tokens, most = count_tokens(instructions), max(PROMPT_TOKENS // _SHARE, count_tokens(template.system))
    if tokens > most:
        return f"it has {tokens} tokens, and at most {most} are allowed"
    if copied := repeated(instructions, shown, template.system):
        return f"it repeats what it was shown ({copied}); instructions must fit any question"
    return None


def repeated(text: str, shown: Iterable[str], own: str = "") -> str | None:
    """The text's first eight words in a row that occur in `shown` and not in `own`; None if there are none."""
    known = {run for one in shown for run in _runs(one)} - set(_runs(own))
    return next((" ".join(run) for run in _runs(text) if run in known), None)


def system_text(turns: str | Sequence[Mapping[str, Any]]) -> str:
    """The system text among a chat prompt's turns; "" if there is none, as in a prompt of a single text."""
    found = (str(turn["content"]) for turn in turns if not isinstance(turn, str) and turn["role"] == "system")
    return next(found, "")


def _runs(text: str) -> list[tuple[str, ...]]:
    found = words(text)
    return [tuple(found[start : start + _RUN]) for start in range(len(found) - _RUN + 1)]


def _source(number: int, one: JudgedAnswer) -> Source:
    return Source(number, one.question, "an answer", f"{one.answer}\n\nJudgement: {one.judgement}")
