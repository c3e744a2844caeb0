"""A judge: one dimension, a prompt and a model. Its version changes with anything that can change its verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ragops.answers.llms.settings import AnyModel
from ragops.answers.llms.types import Request
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.types import PromptRequest, Shot, Source
from ragops.corpus.chunks.atoms import sentences
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.replies import SCALE, Verdicts, as_reply, verdict_names
from ragops.text import digest, words
from ragops.usecase.evaluation import JudgeName

_VERSION_DIGITS = 12
_CITATION = re.compile(r"\[\d{1,3}\]")
_EACH: Mapping[JudgeName, str] = {"context_relevance": "passages", "groundedness": "statements"}
# SmolLM2 needs at most 9 tokens for a verdict, but one for each character of a reason such as "1.1.1.1": a reason must
# not end the reply before the verdicts.
_VERDICT_TOKENS, _OBJECT_TOKENS = 9, 20
_LONGEST_REASON, _SHORTEST_REASON = 160, 20  # characters

# What changes a model's verdicts, of its settings: not prices, limits and addresses.
_IDENTITY = ("provider", "served_name", "source", "replies")


@dataclass(frozen=True, slots=True)
class Example:
    """A case with the right verdicts, one for each part, as people corrected them."""

    item: AnswerToJudge
    verdicts: tuple[str, ...]
    reason: str


class Examples(Protocol):
    """Cases that are shown to a judge before the one that it judges."""

    @property
    def version(self) -> str:
        """Changes with the cases and with how they are chosen; part of the judge's version."""

    def near(self, item: AnswerToJudge) -> Sequence[Example]:
        """Those to show before a case; the same ones each time."""


class _NoExamples:
    version = ""

    def near(self, item: AnswerToJudge) -> Sequence[Example]:
        return ()


NO_EXAMPLES: Examples = _NoExamples()


@dataclass(frozen=True)
class Judge:
    """Judges one dimension of answers.

    Attributes:
        name: the dimension.
        template: its prompt, of task judge.
        model: the judging model.
        examples: what is shown before each case.
        values: for the prompt's own variables.
    """

    name: JudgeName
    template: Template
    model: AnyModel
    examples: Examples = NO_EXAMPLES
    values: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """12 hexadecimal digits of prompt, examples, model and parameters."""
        settings = self.model.model_dump(mode="json")
        model = {name: settings[name] for name in _IDENTITY if name in settings}
        parameters = [_LONGEST_REASON, _VERDICT_TOKENS, self.model.max_tokens]
        known = [self.name, self.template.content_hash, self.examples.version, model, dict(self.values), parameters]
        return digest(known)[:_VERSION_DIGITS]

    def why_not(self, item: AnswerToJudge) -> str:
        """Why an answer has nothing to judge in this dimension; "" if it has."""
        if item.model == self.model.name:
            return "written by the judge itself"
        if item.abstained and self.name != "context_relevance":
            return "abstained"
        if self.name == "correctness" and not item.reference:
            return "no reference"
        if self.name in _EACH and not self.parts(item):
            return "no passages" if not item.passages else "no statement"
        return ""

    def parts(self, item: AnswerToJudge) -> int | None:
        """The number of passages or statements that get a verdict each; None if there is one verdict only."""
        each = _EACH.get(self.name)
        if each is None:
            return None
        return len(item.passages) if each == "passages" or not item.passages else len(statements(item.answer))

    def inputs(self, item: AnswerToJudge) -> str:
        """A hash of the judge's version and all that it sees: equal ones get equal verdicts."""
        return digest([self.version, asdict(self._prompt(item))])

    def request(self, item: AnswerToJudge, key: bytes) -> Request:
        """What the model is asked; `key` is that of the prompt's delimiters."""
        parts = self.parts(item)
        shots = [self._shot(one) for one in self.examples.near(item)]
        return Request(
            messages=tuple(render(self.template, self._prompt(item), key, shots=shots)),
            max_tokens=self._longest_reason(parts) + _others(parts),
            temperature=0.0,
            response_schema=self._schema(parts),
        )

    def score(self, found: Verdicts) -> tuple[str, float]:
        """The verdict and the score of an answer: of passages the best, of statements the worst and the mean."""
        if self.name == "context_relevance":
            return max(found.verdicts, key=SCALE.__getitem__), max(found.scores)
        return min(found.verdicts, key=SCALE.__getitem__), sum(found.scores) / len(found.scores)

    def _schema(self, parts: int | None) -> dict[str, Any]:
        """The template's schema with a verdict for each part, the reason first."""
        own = self.template.response_schema or {}
        properties = own["properties"]
        reason = properties["reason"] | {"maxLength": self._longest_reason(parts)}
        fields = {"reason": reason} | dict.fromkeys(verdict_names(parts), properties["verdict"])
        return own | {"required": list(fields), "properties": fields}

    def _longest_reason(self, parts: int | None) -> int:
        """Characters that leave room for the verdicts within the model's own limit."""
        return max(_SHORTEST_REASON, min(_LONGEST_REASON, self.model.max_tokens - _others(parts)))

    def _shot(self, example: Example) -> Shot:
        reply = as_reply(example.verdicts, example.reason, self.parts(example.item))
        return self._prompt(example.item), reply

    def _prompt(self, item: AnswerToJudge) -> PromptRequest:
        seen = self.template.variables
        return PromptRequest(
            question=item.question,
            sources=[Source(number, "", "", text) for number, text in enumerate(item.passages, start=1)]
            if "passages" in seen
            else None,
            values=self.values,
            answer=item.answer if "answer" in seen else None,
            statements=statements(item.answer) if "statements" in seen else None,
            reference=item.reference or "" if "reference" in seen else None,
        )


def _others(parts: int | None) -> int:
    """Tokens of a reply except its reason."""
    return _OBJECT_TOKENS + _VERDICT_TOKENS * (parts or 1)


def statements(answer: str) -> tuple[str, ...]:
    """The sentences of an answer, each with its citations; a block of code is one, a line without a word is none."""
    return tuple(one.strip() for one in _sentences(answer) if words(_CITATION.sub("", one)))


def _sentences(answer: str) -> Iterator[str]:
    for number, block in enumerate(answer.split("```")):
        if number % 2:
            yield block
        else:
            for line in block.splitlines():
                yield from sentences(line)
