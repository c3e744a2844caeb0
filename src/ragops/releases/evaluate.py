"""Evaluates a logged chain: what its index finds and what it answers, stored in the run that logged it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ragops.assembly import Locations
from ragops.platform import console
from ragops.quality.evaluation.answers import Row, ask_all, metrics, reported_fallbacks
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.figures import ANSWER_COST, answer_costs
from ragops.quality.evaluation.reports.answers import checks_table
from ragops.quality.evaluation.reports.pages import failures
from ragops.quality.evaluation.retrieval import SettingsResult, measure_names, open_evaluator
from ragops.quality.judges.rows import Judgment
from ragops.quality.questions import Question
from ragops.releases.judging import Judge
from ragops.releases.promote import Measure
from ragops.releases.stored_results import Results
from ragops.serving.model.loaded import LoadedChain
from ragops.usecase import UseCase


def retrieval_figures(use_case: UseCase, locations: Locations, questions: Sequence[Question]) -> dict[str, float]:
    """The measures of the use case's success criteria for what the index finds. Raises as `open_evaluator`."""
    with open_evaluator(use_case, locations, questions) as evaluator:
        (measured,) = evaluator.evaluate([use_case.retrieval])
    return figures_of(measured)


def figures_of(measured: SettingsResult) -> dict[str, float]:
    """The means of all measures, and the latency of searches."""
    return {name: measured.interval(name).mean for name in measure_names()} | {"search_p95_ms": measured.percentile(95)}


def evaluate(
    chain: LoadedChain,
    questions: Sequence[Question],
    judge: Judge | None = None,
    run_id: str = "",
    progress: Callable[[int], None] = lambda done: None,
) -> Results:
    """Asks the chain the questions, checks the answers, and has them judged.

    Args:
        chain: what is measured.
        questions: what is asked.
        judge: who judges; None for nobody.
        run_id: the run for which it is measured, for the judgments.
        progress: receives the number of questions asked so far.
    """
    rows = ask_all(chain.ask, questions, chain.primary, progress)
    return Results(rows, judge(rows, run_id).judgments if judge else ())


def measuring(questions: Sequence[Question], judge: Judge) -> Measure:
    """Measures registered versions: loads one, asks it the questions, and has its answers judged."""
    return lambda version: evaluate(LoadedChain(version.uri), questions, judge, version.run_id)


def answering_figures(chain: LoadedChain, results: Results) -> dict[str, float]:
    """What an answer cost on average, by the prices of the chain's own use case."""
    models = chain.configuration.use_case.models
    costs = answer_costs(results.rows, models.named(chain.primary))
    known = [cost for row, cost in zip(results.rows, costs, strict=True) if row.error is None]
    return {ANSWER_COST: sum(known) / len(known)} if known else {}


def show_evaluation(rows: Sequence[Row], retrieval: Mapping[str, float], judgments: Sequence[Judgment] = ()) -> None:
    """Prints the figures of answers, retrieval and judges."""
    table = checks_table(rows)
    for name, value in retrieval.items():
        table.add_row(name, f"{value:.3g}", "", "", "retrieval")
    judged = Evaluated(rows, judgments)
    for name in judged.judged:
        scores, found = judged.values(name), judged.interval(name)
        table.add_row(name, f"{found.mean:.3f}", f"{found.low:.2f}-{found.high:.2f}", str(len(scores)), "judge")
    output = console.notebook()
    output.print(table)
    output.print(_summary(rows, judgments), soft_wrap=True, markup=False)  # one line: a run page shows the last line


def _summary(rows: Sequence[Row], judgments: Sequence[Judgment]) -> str:
    figures = metrics(rows)
    line = f"{len(rows)} questions, {figures['errors']:.0f} errors"
    if "seconds_p50" in figures:
        line += f"; median answer time {figures['seconds_p50']:.1f} s, 95th percentile {figures['seconds_p95']:.1f} s"
    if by_fallbacks := reported_fallbacks(rows):
        line += f"; {by_fallbacks}"
    return f"{line}; judgments: {failures(judgments)}" if judgments else line
