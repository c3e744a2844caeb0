"""A prompt template: two texts with variables, what it needs beside them, and its technique."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.sources import Source

Technique = Literal["zero_shot", "few_shot", "step_by_step", "cite", "abstain", "structured"]
Task = Literal["answer", "rewrite", "improve"]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Part):
    """One worked example, sent as a user's turn in the template's own words and the assistant's answer."""

    question: Text
    sources: tuple[Source, ...] | None = None
    history: tuple[Message, ...] | None = None
    answer: Text


class Template(_Part):
    """A prompt template, as a file holds it.

    Attributes:
        name: the file's, too.
        description: when to take it, for those who choose.
        task: answer a question from passages, rewrite one that needs its conversation to be understood, or improve
            another template's instructions.
        technique: how it gets the model to do so; what prompts are compared by.
        model_family: models it was written for.
        variables: name to meaning. `question`, `passages` and `history` come with the request and stand in `user`
            only; any other is the team's own and may stand in `system` too.
        system: Jinja, may be empty.
        user: Jinja.
        examples: sent before the user's turn.
        answer_after: where the model is to reason first, the words after which its answer stands.
        response_schema: JSON Schema of the answer, for models that can be held to one.
        abstention: the sentence that says that the passages do not answer; `{{ abstention }}` in the texts.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")
    description: Text
    task: Task = "answer"
    technique: Technique
    model_family: Text = "any"
    variables: dict[str, Text]
    system: str = ""
    user: Text
    examples: tuple[Example, ...] = ()
    answer_after: Text | None = None
    response_schema: dict[str, Any] | None = None
    abstention: Text | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Template:
        from ragops.answers.prompts.checks import faults

        for fault in faults(self):
            raise ValueError(fault)
        return self

    @property
    def content_hash(self) -> str:
        """64 hexadecimal digits of everything in the template: two with one hash are the same."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def answer_in(self, reply: str) -> str:
        """The answer within a model's reply: what follows the last `answer_after`, else the whole of it."""
        return reply.rpartition(self.answer_after)[2].strip() if self.answer_after else reply.strip()
