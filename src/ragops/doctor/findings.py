"""Findings, and the groups of checks that produce them; no group stops another."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ragops.text import one_line

State = Literal["ok", "missing", "unknown"]
_FRAMES = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)*")
# What Spark's client and the SDK append to a message.
_APPENDED = re.compile(r"JVM stacktrace:|\. Config:")


class Finding(NamedTuple):
    """One row of the report. A tuple, since Spark's workers send rows of it.

    Attributes:
        what: what was checked.
        found: what was found.
        state: "missing" only if it is required here.
        to_do: the fix; "" if nothing is wrong.
    """

    what: str
    found: str
    state: State = "ok"
    to_do: str = ""


@dataclass(frozen=True)
class Group:
    """Checks of one subject: `check` yields findings, and is abandoned after `seconds`."""

    title: str
    check: Callable[[], Iterable[Finding]]
    seconds: float = 60.0


@dataclass(frozen=True)
class Section:
    """The findings of a group. `hangs`: a call is still running; the interpreter may wait for its threads at exit."""

    title: str
    findings: tuple[Finding, ...]
    hangs: bool = False


def examine(groups: Iterable[Group]) -> Iterator[Section]:
    """The findings of each group, in order. A group that fails or times out keeps its findings and reports that."""
    for group in groups:
        yield _section(group)


def missing(sections: Iterable[Section]) -> list[Finding]:
    """The findings on required things that are missing."""
    return [finding for section in sections for finding in section.findings if finding.state == "missing"]


def as_rows(sections: Sequence[Section]) -> list[dict[str, str]]:
    """The findings as JSON objects, each with the title of its group."""
    return [{"group": section.title, **finding._asdict()} for section in sections for finding in section.findings]


def look(what: str, ask: Callable[[], str], to_do: str = "", otherwise: State = "unknown") -> Finding:
    """What `ask` returns; if it raises, the error in one line, with the fix and the state `otherwise`."""
    try:
        return Finding(what, ask())
    except Exception as error:
        return Finding(what, line(error), otherwise, to_do)


def line(error: BaseException) -> str:
    """An error in one short line, without stack traces and client configuration."""
    return one_line(_FRAMES.sub("", _APPENDED.split(str(error))[0]), 300) or type(error).__name__


def _section(group: Group) -> Section:
    found: list[Finding] = []
    # A daemon: a call that hangs must not keep the process from ending.
    thread = threading.Thread(target=_collect, args=(group.check, found), daemon=True)
    thread.start()
    thread.join(group.seconds)
    hangs = thread.is_alive()
    if hangs:
        found.append(Finding("other checks", f"no result after {group.seconds:g} s", "unknown", "find out what hangs"))
    return Section(group.title, tuple(found), hangs)


def _collect(check: Callable[[], Iterable[Finding]], found: list[Finding]) -> None:
    try:
        for finding in check():
            found.append(finding)  # one at a time, so that a timeout keeps those that exist
    except Exception as error:
        found.append(Finding("other checks", line(error), "unknown", "resolve the error, then run this again"))
