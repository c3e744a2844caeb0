"""The model that reads answers and their judgements, and proposes instructions that should lead to better ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.ledger import Caller
from ragops.answers.llms.types import Reply, Request
from ragops.answers.prompts.delimiters import Request as PromptRequest
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.render import render
from ragops.answers.prompts.sources import Source
from ragops.answers.prompts.template import Template
from ragops.errors import UserError

TEMPLATE = "improve_instructions"
_ATTEMPTS = 3
_MAX_TOKENS = 2_000
_TEMPERATURE = 1.0
"""Proposals have to differ; the seed makes the same ones of the same answers, where a server takes one."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the answer that it got, and what was right and wrong about that."""

    question: str
    answer: str
    judgement: str


class Reflection:
    """Asks through the gateway: data policy, limits and ledger hold for proposals as they do for answers."""

    def __init__(self, gateway: Gateway, template: Template, key: bytes, who: str) -> None:
        """`template` is for the task improve, `key` is that of the marks around the answers.

        `refused` will hold what was wrong with proposals, or why there was none.
        """
        self._gateway, self._template, self._key = gateway, template, key
        self._caller = Caller(who, "improve", template.name, template.content_hash[:8])
        self._asked = 0
        self.refused: list[str] = []

    def propose(self, instructions: str, examples: Sequence[Example], fault: Callable[[str], str | None]) -> str | None:
        """Other instructions; None when the model gives three times what has a `fault`, which it is told of each time.

        Raises:
            UserError: policy forbids the model, or it does not answer.
        """
        shown = [_source(number, one) for number, one in enumerate(examples, start=1)]
        given = PromptRequest("", shown, values={"instructions": instructions})
        messages = render(self._template, given, self._key)
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
            result = f"That cannot be used: {wrong}. Write the instructions again, in the same form."
            messages = [*messages, Message("assistant", reply.text), Message("user", result)]
        return None

    def _reply(self, messages: Sequence[Message]) -> Reply:
        self._asked += 1
        request = Request(tuple(messages), max_tokens=_MAX_TOKENS, temperature=_TEMPERATURE, seed=self._asked)
        return self._gateway.generate(request, self._caller)

    def _unfinished(self, reply: Reply) -> str | None:
        if self._template.answer_after and self._template.answer_after not in reply.text:
            return f"it has no line '{self._template.answer_after}'"
        cut = f"it ends in the middle, after {reply.completion_tokens} tokens"
        return cut if reply.finish_reason == "length" else None


def _source(number: int, one: Example) -> Source:
    return Source(number, one.question, "an answer", f"{one.answer}\n\nJudgement: {one.judgement}")
