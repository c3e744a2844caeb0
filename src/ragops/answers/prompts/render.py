"""Template and request to messages."""

from __future__ import annotations

from collections.abc import Collection

from ragops.answers.prompts.checks import ABSTENTION, FROM_THE_REQUEST
from ragops.answers.prompts.delimiters import PROCESS_KEY, Request, marked_history, marked_passages, request_code
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.sandbox import fill
from ragops.answers.prompts.sanitize import neutralise
from ragops.answers.prompts.template import Example, Template
from ragops.errors import UserError


def render(
    template: Template, request: Request, key: bytes = PROCESS_KEY, special_tokens: Collection[str] = ()
) -> list[Message]:
    """What to send to the model: system (if the template has one), the examples' turns, the user's turn.

    Equal template, request, key and tokens make equal messages. Text of users and documents stands in user turns
    only, with passages and history between marks (`ragops.answers.prompts.delimiters`).

    Args:
        template: its variables and the request's parts must be the same.
        request: what to fill in.
        key: of the marks' code; the same in every process that must make the same prompt.
        special_tokens: the model's own, if known; those of the usual chat syntaxes are neutralised anyway.

    Raises:
        UserError: a variable is missing or superfluous, or a value is more than the template can take.
    """
    _check_given(template, request)
    code = request_code(request, key)
    own = {name: neutralise(value, special_tokens) for name, value in request.values.items()}
    if template.abstention:
        own[ABSTENTION] = template.abstention
    system = fill(template.name, template.system, own)
    messages = [Message("system", system)] if system else []
    for example in template.examples:
        # Under the request's own code: one fixed for examples would be a mark that anyone can write.
        shown = own | _values(_as_request(example), code, special_tokens)
        messages.append(Message("user", fill(template.name, template.user, shown)))
        messages.append(Message("assistant", example.answer.strip()))
    asked = own | _values(request, code, special_tokens)
    return [*messages, Message("user", fill(template.name, template.user, asked))]


def _check_given(template: Template, request: Request) -> None:
    parts = {"question": request.question or None, "passages": request.sources, "history": request.history}
    if reserved := (FROM_THE_REQUEST | {ABSTENTION}) & set(request.values):
        raise UserError(f"prompt template {template.name}: {min(reserved)} is not the team's to set; rename the value")
    given = {name for name, part in parts.items() if part is not None} | set(request.values)
    for name in sorted(set(template.variables) - given):
        fix = "pass it" if name in parts else f"set prompts.values.{name} in usecase.yml"
        raise UserError(f"prompt template {template.name}: variable {name} is missing; {fix}")
    for name in sorted(given - set(template.variables)):
        raise UserError(f"prompt template {template.name}: it has no variable {name}; leave it out, or declare it")


def _values(request: Request, code: str, special_tokens: Collection[str]) -> dict[str, str]:
    values = {"question": neutralise(request.question, special_tokens).strip()}
    if request.sources is not None:
        values["passages"] = marked_passages(request.sources, code, special_tokens)
    if request.history is not None:
        values["history"] = marked_history(request.history, code, special_tokens)
    return values


def _as_request(example: Example) -> Request:
    return Request(example.question, example.sources, example.history)
