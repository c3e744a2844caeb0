"""Evaluates a logged chain: what its index finds and what it answers, stored in the run that logged it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ragops.assembly import Locations
from ragops.platform import console
from ragops.quality.evaluation.answers import Row, ask_all, metrics, reported_fallbacks
from ragops.quality.evaluation.reports.answers import checks_table
from ragops.quality.evaluation.retrieval import measure_names, open_evaluator
from ragops.quality.questions import Question
from ragops.releases.registry import StoredAnswers
from ragops.serving.model.loaded import LoadedChain
from ragops.usecase import UseCase


def retrieval_figures(use_case: UseCase, locations: Locations, questions: Sequence[Question]) -> dict[str, float]:
    """The measures of the use case's success criteria for what the index finds. Raises as `open_evaluator`."""
    with open_evaluator(use_case, locations, questions) as evaluator:
        (measured,) = evaluator.evaluate([use_case.retrieval])
    return {name: measured.interval(name).mean for name in measure_names()} | {"search_p95_ms": measured.percentile(95)}


def evaluate_answers(
    chain: LoadedChain,
    stored: StoredAnswers,
    run_id: str,
    questions: Sequence[Question],
    progress: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """Asks the chain the questions, checks the answers, and stores them in the chain's run.

    `progress` receives the number of questions asked so far.
    """
    rows = ask_all(chain.ask, questions, chain.primary, progress)
    stored.store(run_id, rows)
    return rows


def show_evaluation(rows: Sequence[Row], retrieval: Mapping[str, float]) -> None:
    """Prints the figures of answers and retrieval."""
    table = checks_table(rows)
    for name, value in retrieval.items():
        table.add_row(name, f"{value:.3g}", "", "", "retrieval")
    output = console.notebook()
    output.print(table)
    output.print(_summary(rows), soft_wrap=True, markup=False)  # one line: a run page shows a task's last line


def _summary(rows: Sequence[Row]) -> str:
    figures = metrics(rows)
    line = f"{len(rows)} questions, {figures['errors']:.0f} errors"
    if "seconds_p50" in figures:
        line += f"; median answer time {figures['seconds_p50']:.1f} s, 95th percentile {figures['seconds_p95']:.1f} s"
    if by_fallbacks := reported_fallbacks(rows):
        line += f"; {by_fallbacks}"
    return line
