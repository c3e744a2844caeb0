"""Jinja for templates: a sandbox that knows strings and nothing else, and that fails on what it was not given."""

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ragops.errors import UserError

_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_SANDBOX.globals.clear()  # no range, no namespace, no lipsum: a template fills in words


def variables_in(text: str) -> set[str]:
    """The variables that a text uses.

    Raises:
        ValueError: the text is not Jinja; says the line.
    """
    try:
        return meta.find_undeclared_variables(_SANDBOX.parse(text))
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from error


def fill(name: str, text: str, values: dict[str, str]) -> str:
    """A text of the template `name` with its variables filled in. Values are never read as Jinja.

    Raises:
        UserError: the text asks more of a value than a string can give.
    """
    try:
        return _SANDBOX.from_string(text).render(values).strip()
    except Exception as error:  # a template is a program: it may raise whatever its expressions raise
        reason = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise UserError(f"prompt template {name}: {reason}; correct the template") from error
