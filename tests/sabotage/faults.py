"""What is broken, one function each, the way it happens; with the findings that must appear and the cause they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.sabotage.place import Place

Break = Callable[[Place], Place]
Part = Literal["use", "index", "documents", "everything"]


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: as in the table.
        happens: breaks a system, and returns it as it is looked at then.
        findings: ids of the checks that say what is wrong; one of them must.
        cause: what one of these findings must name as its cause, as a regular expression.
        of: what it changes: what people do and get, which needs no tables; files of the index; documents with all that
            is made from them; or anything, so that everything is copied and read again.
    """

    name: str
    happens: Break
    findings: tuple[str, ...]
    cause: str
    of: Part = "everything"


FAULTS: dict[str, Fault] = {}


def fault(*findings: str, cause: str, of: Part = "everything") -> Callable[[Break], Break]:
    """Registers the decorated function as a fault under its name."""

    def register(happens: Break) -> Break:
        name = happens.__name__
        FAULTS[name] = Fault(name, happens, findings, cause, of)
        return happens

    return register
