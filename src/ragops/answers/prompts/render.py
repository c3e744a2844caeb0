"""Renders a template and a request into messages; `example_request` makes a request to preview a template."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ragops.answers.prompts.template import ABSTENTION, REQUEST_VARIABLES, Example, Template, fill
from ragops.answers.prompts.types import Message, PromptRequest, Source
from ragops.answers.prompts.untrusted import (
    PROCESS_KEY,
    delimited_history,
    delimited_passages,
    neutralize,
    request_code,
)
from ragops.errors import UserError

_EXAMPLE_SOURCES = (
    Source(1, "The ferry", "harbour/ferry.md", "The ferry leaves the north pier at twenty to eight."),
    Source(2, "Tickets", "harbour/tickets.md", "Tickets are sold on board; children under seven pay nothing."),
)
_EXAMPLE_HISTORY = (
    Message("user", "Is there a ferry to the lighthouse island?"),
    Message("assistant", "Yes, from the north pier [1]."),
)


def render(
    template: Template, request: PromptRequest, key: bytes = PROCESS_KEY, special_tokens: Collection[str] = ()
) -> list[Message]:
    """The messages for the model: system (if the template has one), the examples' turns, the user's turn.

    Equal template, request, key and tokens make equal messages. Text of users and documents appears in user turns
    only, with passages and history between delimiters (`ragops.answers.prompts.untrusted`).

    Args:
        template: must have exactly the variables that the request fills.
        request: the values.
        key: of the delimiters' code; the same in every process that must make the same prompt.
        special_tokens: the model's own, if known; those of the usual chat syntaxes are neutralized in any case.

    Raises:
        UserError: a variable is missing or superfluous, or an expression in the template fails.
    """
    _check_request(template, request)
    code = request_code(request, key)
    own = {name: neutralize(value, special_tokens) for name, value in request.values.items()}
    if template.abstention:
        own[ABSTENTION] = template.abstention
    system = fill(template.name, template.system, own)
    messages = [Message("system", system)] if system else []
    for example in template.examples:
        # With the request's own code: a fixed one for examples would be a delimiter that anyone can write.
        values = own | _untrusted_values(_as_request(example), code, special_tokens)
        messages.append(Message("user", fill(template.name, template.user, values)))
        messages.append(Message("assistant", example.answer.strip()))
    values = own | _untrusted_values(request, code, special_tokens)
    return [*messages, Message("user", fill(template.name, template.user, values))]


def example_request(template: Template, values: Mapping[str, str]) -> PromptRequest:
    """A request that fits a template; variables of the team's own without a value show their names."""
    variables = set(template.variables)
    own = {name: values.get(name, f"({name})") for name in sorted(variables - REQUEST_VARIABLES)}
    return PromptRequest(
        question="When does it leave, and what do children pay?" if "question" in variables else "",
        sources=_EXAMPLE_SOURCES if "passages" in variables else None,
        history=_EXAMPLE_HISTORY if "history" in variables else None,
        values=own,
    )


def _check_request(template: Template, request: PromptRequest) -> None:
    where = f"prompt template {template.name}"
    parts = {"question": request.question or None, "passages": request.sources, "history": request.history}
    if reserved := (REQUEST_VARIABLES | {ABSTENTION}) & set(request.values):
        raise UserError(f"{where}: the name {min(reserved)} is reserved; rename the value")
    given = {name for name, part in parts.items() if part is not None} | set(request.values)
    for name in sorted(set(template.variables) - given):
        fix = "pass it" if name in parts else f"set prompts.values.{name} in usecase.yml"
        raise UserError(f"{where}: variable {name} is missing; {fix}")
    for name in sorted(given - set(template.variables)):
        raise UserError(f"{where}: has no variable {name}; omit the value, or declare the variable")


def _untrusted_values(request: PromptRequest, code: str, special_tokens: Collection[str]) -> dict[str, str]:
    values = {"question": neutralize(request.question, special_tokens).strip()}
    if request.sources is not None:
        values["passages"] = delimited_passages(request.sources, code, special_tokens)
    if request.history is not None:
        values["history"] = delimited_history(request.history, code, special_tokens)
    return values


def _as_request(example: Example) -> PromptRequest:
    return PromptRequest(example.question, example.sources, example.history)
