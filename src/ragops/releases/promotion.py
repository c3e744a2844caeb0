"""From a logged and judged chain to the one that serves: registered, challenger, and champion if the gate lets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ragops.evaluation.answers import Row, ask_all
from ragops.evaluation.gate import Decision, decide
from ragops.releases.loaded import LoadedChain
from ragops.releases.packaging import Logged
from ragops.releases.registry import CHALLENGER, CHAMPION, ChainRegistry, Judged, Version
from ragops.sample.questions import Question
from ragops.usecase import Release


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a chain: its version, the champion before, and the gate's decision."""

    version: Version
    before: Version | None
    decision: Decision

    @property
    def champion(self) -> Version | None:
        """The version that serves now."""
        return self.version if self.decision.promotes else self.before

    def __str__(self) -> str:
        """One line."""
        now = f"champion is version {self.champion.number}" if self.champion else "there is no champion"
        done = "promoted" if self.decision.promotes else "not promoted"
        return f"version {self.version.number} {done}: {self.decision.reason}; {now}"


def promote(
    registry: ChainRegistry,
    settings: Release,
    logged: Logged,
    figures: Mapping[str, float],
    rows: Sequence[Row],
    champion_rows: Callable[[Version], Sequence[Row]],
) -> Promotion:
    """Registers the chain as challenger, and makes it champion if the gate lets it.

    Args:
        registry: of the chain's name.
        settings: the gate's, from the card.
        logged: the chain.
        figures: its measures beside those of its answers, such as retrieval's.
        rows: its answers.
        champion_rows: gives the champion's answers to the same questions.
    """
    before = registry.by_alias(CHAMPION)
    version = registry.register(logged.uri, logged.run_id, logged.digest)
    registry.point(CHALLENGER, version)
    decision = decide(settings, figures, rows, champion_rows(before) if before else None)
    if decision.promotes:
        registry.point(CHAMPION, version)
    registry.note(version, gate="promoted" if decision.promotes else "not promoted", reason=decision.reason)
    return Promotion(version, before, decision)


def champion_answers(
    judged: Judged, questions: Sequence[Question], told: Callable[[int], None]
) -> Callable[[Version], Sequence[Row]]:
    """The champion's answers: those it was judged by where nothing has changed since, else asked for again."""

    def answers(version: Version) -> Sequence[Row]:
        known = judged.known(version.run_id)
        if known is None:
            known = ask_all(LoadedChain(version.uri).ask, questions, told)
            judged.keep(version.run_id, known)
        return known

    return answers


def show(promotion: Promotion) -> None:
    """Prints the conditions and what was decided."""
    table = Table("", "condition", "wanted", "seen", box=None, pad_edge=False)
    marks = {"met": "ok", "not met": "NO", "missing": "??"}
    for one in promotion.decision.conditions:
        table.add_row(marks[one.verdict], one.name, one.wanted, one.seen)
    console = Console(width=110, force_jupyter=False, color_system=None)
    console.print(table)
    console.print(str(promotion))
