"""A prompt template: two Jinja texts with variables, its technique, and the checks that make it valid.

The texts run in a sandbox that supports only strings, and that fails on a variable without a value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ragops.answers.prompts.types import Message, Source
from ragops.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Environment

Technique = Literal["zero_shot", "few_shot", "step_by_step", "cite", "abstain", "structured"]
Task = Literal["answer", "rewrite", "improve", "judge", "write"]
Text = Annotated[str, Field(min_length=1)]

ABSTENTION = "abstention"
"""The variable that holds the template's own sentence of abstention."""
REQUEST_VARIABLES = frozenset({"question", "passages", "history"})
"""Filled from the request, with text of users and documents."""
JUDGED_VARIABLES = frozenset({"answer", "statements", "reference"})
"""The same for task judge only, where the question is quoted, too."""

_VARIABLES_BY_TASK = {
    "answer": ("question", "passages"),
    "rewrite": ("question", "history"),
    "improve": ("instructions", "passages"),
    "write": ("passages",),
    "judge": ("question",),
}
_FIELD_BY_TECHNIQUE = {
    "few_shot": "examples",
    "step_by_step": "answer_after",
    "abstain": ABSTENTION,
    "structured": "response_schema",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Part):
    """One worked example, sent as a user turn in the template's own wording and an assistant turn with the answer."""

    question: Text
    sources: tuple[Source, ...] | None = None
    history: tuple[Message, ...] | None = None
    answer: Text


class Template(_Part):
    """A prompt template, as a file stores it.

    Attributes:
        name: also the file's name.
        description: when to use it, for people who choose a template.
        task: answer a question from passages, rewrite a question that depends on its conversation, improve another
            template's instructions, or judge an answer.
        technique: how it gets the model to do so; comparisons of prompts report it.
        model_family: models it was written for.
        variables: name to meaning. `question`, `passages` and `history` come with the request and are allowed in `user`
            only; so are `answer`, `statements` and `reference` for task judge. Any other is the team's own and may also
            be used in `system`.
        system: Jinja, may be empty.
        user: Jinja.
        examples: sent before the user's turn.
        answer_after: where the model should reason first, the words after which its answer begins.
        response_schema: JSON Schema of the answer, for models with constrained decoding.
        abstention: the sentence for "the passages do not answer this"; `{{ abstention }}` in the texts.
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
    def _check(self) -> Template:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    @property
    def request_variables(self) -> frozenset[str]:
        """The variables that come with a request: untrusted text."""
        return REQUEST_VARIABLES | JUDGED_VARIABLES if self.task == "judge" else REQUEST_VARIABLES

    @property
    def content_hash(self) -> str:
        """64 hexadecimal digits over all fields: templates with equal hashes are equal."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def answer_in(self, reply: str) -> str:
        """The answer within a model's reply: the text after the last `answer_after`, or all of it if there is none."""
        return reply.rpartition(self.answer_after)[2].strip() if self.answer_after else reply.strip()


def fill(name: str, text: str, values: dict[str, str]) -> str:
    """A text of the template `name` with its variables filled in. Values are never evaluated as Jinja.

    Raises:
        UserError: an expression in the text fails, for example because it uses a value as more than a string.
    """
    try:
        return _sandbox().from_string(text).render(values).strip()
    except Exception as error:  # a template is a program: it may raise whatever its expressions raise
        cause = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise UserError(f"prompt template {name}: {cause}; correct the template") from error


@cache
def _sandbox() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sandbox.globals.clear()  # no range, no namespace, no lipsum: a template only fills in words
    return sandbox


def _faults(template: Template) -> Iterator[str]:
    """Yields what makes a template invalid, one line each: the field, the reason, the fix."""
    try:
        used = {field: _variables_in(field, text) for field, text in _texts(template).items()}
    except ValueError as error:
        yield str(error)
        return
    checks = (_undeclared_or_unused(template, used), _untrusted_in_system(template, used), _missing_parts(template))
    yield from chain(*checks, _wrong_examples(template), _wrong_schema(template))


def _texts(template: Template) -> dict[str, str]:
    return {"system": template.system, "user": template.user}


def _variables_in(field: str, text: str) -> set[str]:
    from jinja2 import TemplateSyntaxError, meta  # a search loads the use case, which names templates, but none of them

    try:
        return meta.find_undeclared_variables(_sandbox().parse(text))
    except TemplateSyntaxError as error:
        raise ValueError(f"{field}: is not valid Jinja (line {error.lineno}: {error.message}); correct it") from error


def _undeclared_or_unused(template: Template, used: dict[str, set[str]]) -> Iterator[str]:
    if ABSTENTION in template.variables:
        yield f"variables.{ABSTENTION}: is a field of the template itself; remove it from the variables"
    declared = set(template.variables) | ({ABSTENTION} if template.abstention else set())
    for field, names in used.items():
        for name in sorted(names - declared):
            fix = "set the template's field abstention" if name == ABSTENTION else "declare it in variables"
            yield f"{field}: uses {{{{ {name} }}}}, which is not declared; {fix}, or correct the name"
    for name in sorted(declared - set().union(*used.values())):
        field = name if name == ABSTENTION else f"variables.{name}"
        yield f"{field}: neither system nor user uses {{{{ {name} }}}}; use it, or remove it"


def _untrusted_in_system(template: Template, used: dict[str, set[str]]) -> Iterator[str]:
    for name in sorted(used["system"] & template.request_variables):
        yield f"system: uses {{{{ {name} }}}}, untrusted text, in the system prompt; move it to user"


def _missing_parts(template: Template) -> Iterator[str]:
    for name in _VARIABLES_BY_TASK[template.task]:
        if name not in template.variables:
            yield f"variables: task {template.task} needs {name}; declare and use it"
    field = _FIELD_BY_TECHNIQUE.get(template.technique)
    if field and not getattr(template, field):
        yield f"{field}: is missing, and technique {template.technique} needs it; add it, or choose another technique"
    if template.answer_after and not any(template.answer_after in text for text in _texts(template).values()):
        yield f"answer_after: neither system nor user asks for '{template.answer_after}'; ask the model to write it"


def _wrong_examples(template: Template) -> Iterator[str]:
    if template.task == "judge" and template.examples:
        yield "examples: a judge's come from verdicts that people corrected; remove them: ragops judges align"
        return
    for number, example in enumerate(template.examples):
        for field, variable in (("sources", "passages"), ("history", "history")):
            given, wanted = getattr(example, field) is not None, variable in template.variables
            if wanted and not given:
                yield f"examples.{number}.{field}: is missing, and {variable} is a variable; add it"
            if given and not wanted:
                yield f"examples.{number}.{field}: {variable} is not a variable of the template; remove it"
        numbers = [source.number for source in example.sources or ()]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"examples.{number}.sources: are numbered {numbers}; number them from 1"


def _wrong_schema(template: Template) -> Iterator[str]:
    schema = template.response_schema
    if schema is None:
        return
    if template.technique != "structured":
        yield f"response_schema: technique {template.technique} does not use one; remove it, or choose structured"
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        yield "response_schema: does not describe an object with properties; give type: object and properties"
    elif missing := [name for name in schema.get("required", ()) if name not in properties]:
        yield f"response_schema.required: {missing[0]} is not among the properties; add it there"
