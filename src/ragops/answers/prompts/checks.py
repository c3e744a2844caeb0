"""What makes a template unsound. Each fault is one line: the field, what is wrong, the fix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from ragops.answers.prompts.sandbox import variables_in

if TYPE_CHECKING:
    from ragops.answers.prompts.template import Template

ABSTENTION = "abstention"
FROM_THE_REQUEST = frozenset({"question", "passages", "history"})
_NEEDED = {
    "answer": ("question", "passages"),
    "rewrite": ("question", "history"),
    "improve": ("instructions", "passages"),
}


def faults(template: Template) -> Iterator[str]:
    """Yields what is wrong with a template, the first thing to fix first."""
    texts = {"system": template.system, "user": template.user}
    try:
        used = {field: _variables(field, text) for field, text in texts.items()}
    except ValueError as error:
        yield str(error)
        return
    checks = (_variables_agree(template, used), _stands_where_it_may(used), _has_what_it_needs(template))
    yield from chain(*checks, _examples_agree(template), _schema_agrees(template))


def _variables(field: str, text: str) -> set[str]:
    try:
        return variables_in(text)
    except ValueError as error:
        raise ValueError(f"{field}: is not Jinja ({error}); correct it") from error


def _variables_agree(template: Template, used: dict[str, set[str]]) -> Iterator[str]:
    if ABSTENTION in template.variables:
        yield f"variables.{ABSTENTION}: is a field of the template itself; remove it from the variables"
    declared = set(template.variables) | ({ABSTENTION} if template.abstention else set())
    for field, names in used.items():
        for name in sorted(names - declared):
            fix = "give the template an abstention" if name == ABSTENTION else "declare it in variables"
            yield f"{field}: uses {{{{ {name} }}}}, which is not declared; {fix}, or correct the name"
    for name in sorted(declared - set().union(*used.values())):
        field = name if name == ABSTENTION else f"variables.{name}"
        yield f"{field}: neither system nor user uses {{{{ {name} }}}}; use it, or remove it"


def _stands_where_it_may(used: dict[str, set[str]]) -> Iterator[str]:
    for name in sorted(used["system"] & FROM_THE_REQUEST):
        yield f"system: uses {{{{ {name} }}}}, text of others, which must not instruct; move it to user"


def _has_what_it_needs(template: Template) -> Iterator[str]:
    for name in _NEEDED[template.task]:
        if name not in template.variables:
            yield f"variables: task {template.task} needs {name}; declare and use it"
    needs = {
        "few_shot": "examples",
        "step_by_step": "answer_after",
        "abstain": ABSTENTION,
        "structured": "response_schema",
    }
    field = needs.get(template.technique)
    if field and not getattr(template, field):
        yield f"{field}: technique {template.technique} needs it; add it, or choose another technique"
    if template.answer_after and template.answer_after not in template.system + template.user:
        yield f"answer_after: neither system nor user tells the model to write '{template.answer_after}'; say so there"


def _examples_agree(template: Template) -> Iterator[str]:
    for number, example in enumerate(template.examples):
        for field, variable in (("sources", "passages"), ("history", "history")):
            given, wanted = getattr(example, field) is not None, variable in template.variables
            if given != wanted:
                fix = "add it" if wanted else "remove it"
                is_not = "is" if wanted else "is not"
                yield f"examples.{number}.{field}: {variable} {is_not} among the variables; {fix}"
        numbers = [source.number for source in example.sources or ()]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"examples.{number}.sources: are numbered {numbers}; number them from 1"


def _schema_agrees(template: Template) -> Iterator[str]:
    schema = template.response_schema
    if schema is None:
        return
    if template.technique != "structured":
        yield f"response_schema: technique {template.technique} takes none; remove it, or choose structured"
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        yield "response_schema: is not the schema of an object with properties; give type: object and properties"
    elif missing := [name for name in schema.get("required", ()) if name not in properties]:
        yield f"response_schema.required: {missing[0]} is not among the properties; add it there"
