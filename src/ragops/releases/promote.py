"""Promotes an evaluated chain: registers it as challenger, and makes it champion if it passes the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from ragops.errors import UserError
from ragops.platform import console
from ragops.quality.evaluation.answers import Row, error_share
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.judges.rows import Judgment
from ragops.quality.statistics.agreement import Agreement
from ragops.releases.registry import CHALLENGER, CHAMPION, ChainRegistry, Version
from ragops.releases.stored_results import Results, StoredResults
from ragops.serving.model.log_model import Logged
from ragops.usecase import UseCase

_INFORMS = "--"
"""The mark of a condition that does not decide."""
_MARKS = {"met": "ok", "not met": "NO", "missing": "??"}

Measure = Callable[[Version], Results]
"""Asks a registered version the questions, and has its answers judged."""
Report = Callable[["Promotion", Evaluated, Evaluated | None], None]
"""Writes the page: from the outcome, and from what was measured of the chain and of the champion, if there is one."""


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


def promote(
    registry: ChainRegistry,
    use_case: UseCase,
    logged: Logged,
    stored: StoredResults,
    measure: Measure,
    agreements: Callable[[Sequence[Judgment]], Mapping[str, Agreement]],
    report: Report,
) -> Promotion:
    """Registers the chain as challenger, and makes it champion if it passes the gate.

    The champion is compared by its stored results on the same questions and the same index. It is measured again if
    there are none, if more of its answers are errors than the gate allows (its model may work again), or if other
    judges judged them.

    Args:
        registry: the chain's versions.
        use_case: its gate, and what it requires of judges.
        logged: the chain.
        stored: where results on these questions and the live index are.
        measure: measures the champion again; what it returns is stored.
        agreements: how far people agree with the judges that made some judgments, by judge.
        report: called before anything but the challenger has changed.

    Raises:
        UserError: the chain was not evaluated with these questions on the live index.
    """
    own = stored.load(logged.run_id)
    if own is None:
        raise UserError(
            f"release: run {logged.run_id} has no answers to these questions from the live index; run the job release "
            "again, or evaluate_release.ipynb"
        )
    before = registry.by_alias(CHAMPION)
    version = registry.register(logged)
    registry.point(CHALLENGER, version)
    champion = None if before is None else _champions(before, own, use_case, stored, measure)
    mine = Evaluated(own.rows, own.judgments, stored.figures(logged.run_id), stored.question_set)
    theirs = Evaluated(champion.rows, champion.judgments, {}, stored.question_set) if champion else None
    decision = decide(use_case.gate, use_case.evaluation, mine, theirs, agreements(own.judgments))
    asked = mine if decision.promotes or theirs is None else theirs
    promotion = Promotion(version, before, decision, answered(asked.rows))
    report(promotion, mine, theirs)
    # Tags first: after the alias moves, nothing may fail before the endpoint follows it.
    registry.note(version, gate="promoted" if decision.promotes else "not promoted", reason=decision.reason)
    if decision.promotes:
        registry.point(CHAMPION, version)
    return promotion


def _champions(before: Version, own: Results, use_case: UseCase, stored: StoredResults, measure: Measure) -> Results:
    """The champion's stored results if they can be compared with the chain's, else new ones."""
    found = stored.load(before.run_id)
    if found and found.judges == own.judges and error_share(found.rows) <= use_case.gate.max_error_share:
        return found
    found = measure(before)
    stored.store(before.run_id, found)
    return found


def answered(rows: Sequence[Row]) -> str:
    """The first question that got an answer; the first question if none did.

    The endpoint is asked this one, so that its language model has to be reachable.
    """
    return next((row.question for row in rows if row.values["answered"] == 1), rows[0].question)


def show_promotion(promotion: Promotion) -> None:
    """Prints the gate's conditions and the outcome."""
    table = Table("", "condition", "required", "actual", box=None, pad_edge=False)
    for one in promotion.decision.conditions:
        mark = _MARKS[one.verdict] if one.decides else _INFORMS
        table.add_row(mark, one.name, one.required, one.measured)
    output = console.notebook()
    output.print(table)
    output.print(str(promotion), soft_wrap=True, markup=False)  # one line: a run page shows a task's last line
