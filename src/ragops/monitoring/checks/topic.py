"""A topic of checks: what it reads, what it can find, and the function that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System


@dataclass(frozen=True)
class Topic:
    """A topic.

    Attributes:
        name: a word, for reports.
        check: the function that finds what is wrong, of plain values alone.
        sources: fields of `System` that it reads; while one of them cannot be read, it is not run, and what it found
            before remains open.
        findings: ids of all that it can find, with what each one means; the reference lists them.
    """

    name: str
    check: Callable[[System], Iterable[Found]]
    sources: tuple[str, ...]
    findings: Mapping[str, str]
