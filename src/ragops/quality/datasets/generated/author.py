"""The model that writes questions, asked through the gateway: data policy, limits and ledger apply to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.types import Request
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Task, Template
from ragops.answers.prompts.template_files import find
from ragops.answers.prompts.types import PromptRequest, Source
from ragops.corpus.index.passages import Passage

WRITE, WRITE_UNANSWERABLE, HAS_ANSWER = "write_question", "write_unanswerable_question", "has_answer"
"""The prompt templates; a team's own of the same names replace them."""
PURPOSE = "write"
"""Of the calls, in the ledger."""
_MAX_TOKENS = 400


class Unparsed(ValueError):
    """The reply has not the fields that were asked for."""


class Author:
    """Writes questions, and says whether passages answer one."""

    def __init__(self, gateway: Gateway, templates: Mapping[str, Template], key: bytes, who: str) -> None:
        """`key` is that of the delimiters around passages, `who` the caller's name in the ledger.

        Raises:
            UserError: a template is missing or is for another task.
        """
        self._gateway, self._key, self._who = gateway, key, who
        tasks: Mapping[str, Task] = {WRITE: "write", WRITE_UNANSWERABLE: "write", HAS_ANSWER: "judge"}
        self._templates = {name: find(templates, name, task) for name, task in tasks.items()}

    def question(self, passage: Passage) -> Mapping[str, str]:
        """A question that the passage answers: quote, question, answer.

        Raises:
            Unparsed: the reply has not these fields.
            UserError: policy forbids the model, or it does not answer.
        """
        return self._reply(WRITE, [passage], fields=("quote", "question", "answer"))

    def unanswerable(self, passage: Passage) -> str:
        """A question near the passage that documents like this do not answer. Raises as `question`."""
        return self._reply(WRITE_UNANSWERABLE, [passage], fields=("question",))["question"]

    def is_answered(self, question: str, passages: Sequence[Passage]) -> bool:
        """Whether the model finds the answer in the passages. Raises as `question`."""
        verdict = self._reply(HAS_ANSWER, passages, fields=("verdict",), question=question)["verdict"]
        if verdict not in ("yes", "no"):
            raise Unparsed(f"verdict {verdict!r}")
        return verdict == "yes"

    def _reply(
        self, name: str, passages: Sequence[Passage], fields: Sequence[str], question: str = ""
    ) -> Mapping[str, str]:
        template = self._templates[name]
        sources = [Source(number, one.title, one.path, one.text) for number, one in enumerate(passages, start=1)]
        request = Request(
            tuple(render(template, PromptRequest(question, sources), self._key)),
            max_tokens=_MAX_TOKENS,
            response_schema=template.response_schema,
        )
        caller = Caller(self._who, PURPOSE, template.name, template.content_hash[:8])
        return _fields(self._gateway.generate(request, caller).text, fields)


def _fields(reply: str, names: Sequence[str]) -> Mapping[str, str]:
    """The texts of a JSON object, which may be within other text."""
    start = reply.find("{")
    try:
        found: Any = json.JSONDecoder().raw_decode(reply, start)[0] if start >= 0 else None
    except ValueError as error:
        raise Unparsed(f"no JSON object: {error}") from error
    if not isinstance(found, dict):
        raise Unparsed("no JSON object")
    texts = {name: found[name].strip() for name in names if isinstance(found.get(name), str)}
    if missing := [name for name in names if not texts.get(name)]:
        raise Unparsed(f"no {', '.join(missing)}")
    return texts
