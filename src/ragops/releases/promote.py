"""Promotes an evaluated chain: registers it as challenger, and makes it champion if it passes the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

from ragops.errors import UserError
from ragops.platform import console
from ragops.quality.evaluation.answers import Row, error_share
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.questions import Question
from ragops.releases.evaluate import evaluate_answers
from ragops.releases.registry import CHALLENGER, CHAMPION, ChainRegistry, StoredAnswers, Version
from ragops.serving.model.loaded import LoadedChain
from ragops.serving.model.log_model import Logged
from ragops.usecase import Release

_MARKS = {"met": "ok", "not met": "NO", "missing": "??"}

Evaluate = Callable[[Version, StoredAnswers, Sequence[Question]], Sequence[Row]]
"""Asks a registered version the questions, and stores and returns its checked answers."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """The outcome for a chain.

    Attributes:
        version: The chain's registered version.
        before: The champion before; None if there was none.
        decision: The gate's.
        question: One that the current champion answered in its evaluation.
    """

    version: Version
    before: Version | None
    decision: Decision
    question: str

    @property
    def champion(self) -> Version | None:
        """The version that is champion now."""
        return self.version if self.decision.promotes else self.before

    def __str__(self) -> str:
        """One line."""
        now = f"champion is version {self.champion.number}" if self.champion else "there is no champion"
        done = "promoted" if self.decision.promotes else "not promoted"
        return f"version {self.version.number} {done}: {self.decision.reason}; {now}"


def evaluate_version(version: Version, stored: StoredAnswers, questions: Sequence[Question]) -> Sequence[Row]:
    """Loads a registered version and evaluates its answers."""
    return evaluate_answers(LoadedChain(version.uri), stored, version.run_id, questions)


def promote(
    registry: ChainRegistry,
    gate: Release,
    logged: Logged,
    stored: StoredAnswers,
    questions: Sequence[Question],
    evaluate: Evaluate = evaluate_version,
) -> Promotion:
    """Registers the chain as challenger, and makes it champion if it passes the gate.

    The champion is compared by its stored answers to the same questions from the same index. It is evaluated again
    with `evaluate` if there are none, or if more of them are errors than the gate allows: its model may work again.

    Raises:
        UserError: the chain was not evaluated with these questions on the live index.
    """
    rows = stored.load(logged.run_id)
    if rows is None:
        raise UserError(
            f"release: run {logged.run_id} has no answers to these questions from the live index; run the job release "
            "again, or evaluate_release.ipynb"
        )
    before = registry.by_alias(CHAMPION)
    version = registry.register(logged)
    registry.point(CHALLENGER, version)
    champions_rows: Sequence[Row] | None = None
    if before is not None:
        champions_rows = stored.load(before.run_id)
        if champions_rows is None or error_share(champions_rows) > gate.max_error_share:
            champions_rows = evaluate(before, stored, questions)
    decision = decide(gate, stored.figures(logged.run_id), rows, champions_rows)
    # Tags first: after the alias moves, nothing may fail before the endpoint follows it.
    registry.note(version, gate="promoted" if decision.promotes else "not promoted", reason=decision.reason)
    if decision.promotes:
        registry.point(CHAMPION, version)
    return Promotion(version, before, decision, answered(rows if decision.promotes else champions_rows or rows))


def answered(rows: Sequence[Row]) -> str:
    """The first question that got an answer; the first question if none did.

    The endpoint is asked this one, so that its language model has to be reachable.
    """
    return next((row.question for row in rows if row.values["answered"] == 1), rows[0].question)


def show_promotion(promotion: Promotion) -> None:
    """Prints the gate's conditions and the outcome."""
    table = Table("", "condition", "required", "actual", box=None, pad_edge=False)
    for one in promotion.decision.conditions:
        table.add_row(_MARKS[one.verdict], one.name, one.required, one.measured)
    output = console.notebook()
    output.print(table)
    output.print(str(promotion), soft_wrap=True, markup=False)  # one line: a run page shows a task's last line
