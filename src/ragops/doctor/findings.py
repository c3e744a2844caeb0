"""What was found out: rows of one table, and the groups of checks that find them, none of which stops another."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

State = Literal["ok", "missing", "unknown"]
_FRAMES = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)*")


class Finding(NamedTuple):
    """One row: what was looked at, what was found, and, where that is not as it must be, what to do.

    A tuple, since Spark's workers send rows of it. `state` is "missing" only for what is needed here.
    """

    what: str
    found: str
    state: State = "ok"
    to_do: str = ""


@dataclass(frozen=True)
class Group:
    """Checks of one subject: `check` yields what it finds, and is left alone after `seconds`."""

    title: str
    check: Callable[[], Iterable[Finding]]
    seconds: float = 60.0


@dataclass(frozen=True)
class Section:
    """What a group found. `hangs`: a call is still under way, for whose threads the interpreter may wait at its end."""

    title: str
    findings: tuple[Finding, ...]
    hangs: bool = False


def examine(groups: Iterable[Group]) -> Iterator[Section]:
    """What each group finds, in order. One that fails or takes too long keeps what it has found, and says so."""
    for group in groups:
        yield _section(group)


def missing(sections: Iterable[Section]) -> list[Finding]:
    """What is needed and not there."""
    return [finding for section in sections for finding in section.findings if finding.state == "missing"]


def look(what: str, ask: Callable[[], str], to_do: str = "", otherwise: State = "unknown") -> Finding:
    """What `ask` returns; where it raises, that in one line, with what to do and the state `otherwise`."""
    try:
        return Finding(what, ask())
    except Exception as error:
        return Finding(what, line(error), otherwise, to_do)


def line(error: BaseException) -> str:
    """An error as one short line, without what Spark's client and the SDK append and the frames of a worker's."""
    text = _FRAMES.sub("", str(error).partition("JVM stacktrace:")[0].partition(". Config:")[0])
    return " ".join(text.split())[:300] or type(error).__name__


def _section(group: Group) -> Section:
    found: list[Finding] = []
    # Daemonic: a call that hangs must not keep the process from ending.
    thread = threading.Thread(target=_collect, args=(group.check, found), daemon=True)
    thread.start()
    thread.join(group.seconds)
    hangs = thread.is_alive()
    if hangs:
        found.append(Finding("the rest", f"not known after {group.seconds:g} s", "unknown", "look at what hangs there"))
    return Section(group.title, tuple(found), hangs)


def _collect(check: Callable[[], Iterable[Finding]], found: list[Finding]) -> None:
    try:
        for finding in check():
            found.append(finding)  # one by one: whoever waits takes what is there when the time is over
    except Exception as error:
        found.append(Finding("the rest", line(error), "unknown", "fix that, then run this again"))


def as_rows(sections: Sequence[Section]) -> list[dict[str, str]]:
    """The table as rows of JSON, each with its group's title."""
    return [{"group": section.title, **finding._asdict()} for section in sections for finding in section.findings]
