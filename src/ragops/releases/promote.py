"""From a logged and judged chain to the one that serves: registered, challenger, and champion if the gate lets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ragops.errors import UserError
from ragops.quality.evaluation.answers import Row, error_share
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.questions import Question
from ragops.releases.evaluate import judge
from ragops.releases.registry import CHALLENGER, CHAMPION, ChainRegistry, Judged, Version
from ragops.serving.model.loaded import LoadedChain
from ragops.serving.model.log_model import Logged
from ragops.usecase import Release

_MARKS = {"met": "ok", "not met": "NO", "missing": "??"}


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a chain: its version, the champion before, and the gate's decision.

    `question` is one that the champion of now has answered.
    """

    version: Version
    before: Version | None
    decision: Decision
    question: str

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
    registry: ChainRegistry, gate: Release, logged: Logged, judged: Judged, questions: Sequence[Question]
) -> Promotion:
    """Registers the chain as challenger, and makes it champion if the gate lets it.

    The champion is judged by the answers that it gave to the same questions from the same index, asked for again
    where there are none, or more errors among them than the gate allows: its model may be back.

    Raises:
        UserError: the chain was not judged by these questions on the index that is live now.
    """
    rows = judged.known(logged.run_id)
    if rows is None:
        raise UserError(
            f"release: run {logged.run_id} has no answers to these questions from the live index; run the job release "
            "again, or evaluate_release.ipynb"
        )
    before = registry.by_alias(CHAMPION)
    version = registry.register(logged)
    registry.point(CHALLENGER, version)
    champions = _champions(before, judged, questions, gate.max_error_share)
    decision = decide(gate, judged.figures(logged.run_id), rows, champions)
    # First, so that nothing can be refused between the alias and the endpoint that follows it.
    registry.note(version, gate="promoted" if decision.promotes else "not promoted", reason=decision.reason)
    if decision.promotes:
        registry.point(CHAMPION, version)
    return Promotion(version, before, decision, answered(rows if decision.promotes else champions or rows))


def answered(rows: Sequence[Row]) -> str:
    """A question that got an answer, for where the chain is served: there too the model must be reached.

    The first question where none did.
    """
    return next((row.question for row in rows if row.values["answered"] == 1), rows[0].question)


def _champions(
    champion: Version | None, judged: Judged, questions: Sequence[Question], most_errors: float
) -> Sequence[Row] | None:
    if champion is None:
        return None
    known = judged.known(champion.run_id)
    if known is not None and error_share(known) <= most_errors:
        return known
    return judge(LoadedChain(champion.uri), judged, champion.run_id, questions)


def show(promotion: Promotion) -> None:
    """Prints the conditions and what was decided."""
    table = Table("", "condition", "wanted", "seen", box=None, pad_edge=False)
    for one in promotion.decision.conditions:
        table.add_row(_MARKS[one.verdict], one.name, one.wanted, one.seen)
    console = Console(width=110, force_jupyter=False, color_system=None)
    console.print(table)
    console.print(str(promotion), soft_wrap=True, markup=False)  # one line: of a task's output, the last is shown
