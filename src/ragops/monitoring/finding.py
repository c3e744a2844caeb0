"""What a check finds, what was changed before it, and the rows of the table `findings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Int32, Table
from ragops.usecase.measures import Unit

ChangeKind = Literal[
    "deployment",
    "generation",
    "model",
    "prompt",
    "judge",
    "price",
    "corpus",
    "encoder",
    "parser",
    "champion",
    "question_set",
]
"""What can be changed about a system: its code or settings, the index, a language model, ..."""
Severity = Literal["high", "low"]
"""high: a criterion, a service level or correctness is broken; low: somebody should look at it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed.

    Attributes:
        at: when, with a time zone.
        kind: what kind of thing.
        subject: which one: a model, a prompt, a generation.
        before: what it was; "" if it is new or not known.
        after: what it is.
    """

    at: datetime
    kind: ChangeKind
    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        """One line, for example: prompt cite_or_abstain changed from 1f2e to 9a0b."""
        what = f"{self.kind.replace('_', ' ')} {self.subject}".strip()
        if self.before:
            return f"{what} changed from {self.before} to {self.after}"
        return f"{what}: {self.after}" if self.after and self.after != self.subject else f"{what} is new"


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found.

    Attributes:
        check: id of the check, one of its topic's.
        subject: what it is about: a model, a reason, a group of users, a document; "" for the whole system. With
            `check` it identifies a finding from run to run, so it contains no figure that changes.
        severity: how bad it is.
        title: what and how much, in a line of at most about 100 characters.
        since: since when, as exactly as the data tell; with a time zone.
        value: what was measured; None if it is not a number.
        expected: what it should be.
        unit: of both.
        p_value: how probable as much is by chance, of statistical checks; None if it is certain (counted).
        details: the figures behind it, a few lines.
        causes: kinds of change that can cause it, the most likely ones first.
        cause: the cause, where the check itself knows it.
        otherwise: the cause if nothing was changed then that can cause it; "" if that is not known.
        action: what to do, a sentence.
        command: a command to look closer.
    """

    check: str
    subject: str
    severity: Severity
    title: str
    since: datetime
    action: str
    command: str
    value: float | None = None
    expected: float | None = None
    unit: Unit | None = None
    p_value: float | None = None
    details: str = ""
    causes: tuple[ChangeKind, ...] = ()
    cause: str | None = None
    otherwise: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it from run to run."""
        return self.check, self.subject


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A source that could not be read: its name, and why in one line. It is a finding, never a crash."""

    source: str
    reason: str


class Finding(BaseModel):
    """A row of the table `findings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding_id: str = Field(description="Hash of check, subject and the time at which it was opened.")
    check: str = Field(description="The check that found it, as in the reference.")
    subject: str = Field(description="What it is about: a model, a reason, a document; empty for the whole system.")
    severity: Severity = Field(description="high: a criterion, a service level or correctness is broken; low: look.")
    title: str = Field(description="What and how much.")
    since: datetime = Field(description="Since when, as exactly as the data tell.")
    value: float | None = Field(None, description="What was measured last; null if it is not a number.")
    expected: float | None = Field(None, description="What it should be.")
    unit: str | None = Field(None, description="The unit of both.")
    p_value: float | None = Field(None, description="How probable as much is by chance; null if it is certain.")
    details: str = Field(description="The figures behind it.")
    cause: str | None = Field(None, description="The likely cause: what was changed just before; null if not known.")
    cause_kind: str | None = Field(None, description="The kind of that change: prompt, model, generation ...")
    action: str = Field(description="What to do.")
    command: str = Field(description="A command to look closer.")
    opened_at: datetime = Field(description="When the first run found it.")
    seen_at: datetime = Field(description="When the last run found it.")
    closed_at: datetime | None = Field(None, description="When a run no longer found it; null while it is open.")
    occurrence: Int32 = Field(1, description="How often it has been opened, this time included.")


FINDINGS = Table.of(
    Finding,
    name="findings",
    comment="What the job monitor found: opened once, closed when it is gone. Open ones have no closed_at.",
    key="finding_id",
    cluster_by="opened_at",
)
