"""Renders a template and a request into messages; `example_request` makes a request to preview a template."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ragops.answers.prompts.template import ABSTENTION, Example, Template, fill
from ragops.answers.prompts.types import Message, PromptRequest, Shot, Source
from ragops.answers.prompts.untrusted import (
    PROCESS_KEY,
    delimited_history,
    delimited_passages,
    delimited_statements,
    delimited_text,
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
_EXAMPLE_ANSWER = "It leaves at twenty to eight [1]."


def render(
    template: Template,
    request: PromptRequest,
    key: bytes = PROCESS_KEY,
    special_tokens: Collection[str] = (),
    shots: Sequence[Shot] = (),
) -> list[Message]:
    """The messages for the model: system (if the template has one), the examples' turns, the user's turn.

    Equal template, request, key and tokens make equal messages. Text of users and documents appears in user turns
    only, with passages and history between delimiters (`ragops.answers.prompts.untrusted`).

    Args:
        template: must have exactly the variables that the request fills.
        request: the values.
        key: of the delimiters' code; the same in every process that must make the same prompt.
        special_tokens: the model's own, if known; those of the usual chat syntaxes are neutralized in any case.
        shots: further examples, after the template's own.

    Raises:
        UserError: a variable is missing or superfluous, or an expression in the template fails.
    """
    _check_request(template, request)
    code = request_code(request, key, shots)
    own = {name: neutralize(value, special_tokens) for name, value in request.values.items()}
    if template.abstention:
        own[ABSTENTION] = template.abstention
    system = fill(template.name, template.system, own)
    messages = [Message("system", system)] if system else []
    for shown, reply in (*map(_as_shot, template.examples), *shots):
        # With the request's own code: a fixed one for examples would be a delimiter that anyone can write.
        values = own | _untrusted_values(template, shown, code, special_tokens)
        messages.append(Message("user", fill(template.name, template.user, values)))
        messages.append(Message("assistant", reply))
    values = own | _untrusted_values(template, request, code, special_tokens)
    return [*messages, Message("user", fill(template.name, template.user, values))]


def example_request(template: Template, values: Mapping[str, str]) -> PromptRequest:
    """A request that fits a template; variables of the team's own without a value show their names."""
    variables = set(template.variables)
    own = {name: values.get(name, f"({name})") for name in sorted(variables - template.request_variables)}
    judged = variables if template.task == "judge" else set()
    return PromptRequest(
        question="When does it leave, and what do children pay?" if "question" in variables else "",
        sources=_EXAMPLE_SOURCES if "passages" in variables else None,
        history=_EXAMPLE_HISTORY if "history" in variables else None,
        values=own,
        answer=_EXAMPLE_ANSWER if "answer" in judged else None,
        statements=(_EXAMPLE_ANSWER, "Children under seven pay nothing [2].") if "statements" in judged else None,
        reference="At 7:40; nothing below the age of seven." if "reference" in judged else None,
    )


def _check_request(template: Template, request: PromptRequest) -> None:
    where = f"prompt template {template.name}"
    parts = _parts(request)
    if reserved := (template.request_variables | {ABSTENTION}) & set(request.values):
        raise UserError(f"{where}: the name {min(reserved)} is reserved; rename the value")
    given = {name for name, part in parts.items() if part is not None} | set(request.values)
    for name in sorted(set(template.variables) - given):
        fix = "pass it" if name in parts else f"set prompts.values.{name} in usecase.yml"
        raise UserError(f"{where}: variable {name} is missing; {fix}")
    for name in sorted(given - set(template.variables)):
        raise UserError(f"{where}: has no variable {name}; omit the value, or declare the variable")


def _parts(request: PromptRequest) -> dict[str, object]:
    """What comes with a request, by the names of the variables; None where it has no such part."""
    return {
        "question": request.question or None,
        "passages": request.sources,
        "history": request.history,
        "answer": request.answer,
        "statements": request.statements,
        "reference": request.reference,
    }


def _untrusted_values(
    template: Template, request: PromptRequest, code: str, special_tokens: Collection[str]
) -> dict[str, str]:
    values = {"question": neutralize(request.question, special_tokens).strip()}
    if template.task == "judge":  # a question that a judge sees may ask for a verdict
        values["question"] = delimited_text("question", request.question, code, special_tokens)
    if request.sources is not None:
        values["passages"] = delimited_passages(request.sources, code, special_tokens)
    if request.history is not None:
        values["history"] = delimited_history(request.history, code, special_tokens)
    for name, text in (("answer", request.answer), ("reference", request.reference)):
        if text is not None:
            values[name] = delimited_text(name, text, code, special_tokens)
    if request.statements is not None:
        values["statements"] = delimited_statements(request.statements, code, special_tokens)
    return values


def _as_shot(example: Example) -> Shot:
    return PromptRequest(example.question, example.sources, example.history), example.answer.strip()
