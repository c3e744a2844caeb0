"""An example request, by which a template can be looked at."""

from collections.abc import Mapping

from ragops.answers.prompts.delimiters import Request
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.sources import Source
from ragops.answers.prompts.template import Template

_SOURCES = (
    Source(1, "The ferry", "harbour/ferry.md", "The ferry leaves the north pier at twenty to eight."),
    Source(2, "Tickets", "harbour/tickets.md", "Tickets are sold on board; children under seven pay nothing."),
)
_HISTORY = (
    Message("user", "Is there a ferry to the lighthouse island?"),
    Message("assistant", "Yes, from the north pier [1]."),
)


def specimen(template: Template, values: Mapping[str, str]) -> Request:
    """A request that fits a template; variables of the team's own without a value show their names."""
    taken = set(template.variables)
    own = {name: values.get(name, f"({name})") for name in sorted(taken - {"question", "passages", "history"})}
    return Request(
        question="When does it leave, and what do children pay?" if "question" in taken else "",
        sources=_SOURCES if "passages" in taken else None,
        history=_HISTORY if "history" in taken else None,
        values=own,
    )
