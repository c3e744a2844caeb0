"""Judging a logged chain: what its index finds, and what it answers, kept in the run that logged it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from ragops.assembly import Locations, open_reranker, query_encoder
from ragops.corpus.chunks.tokens import tokenizer_counter
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError
from ragops.quality.evaluation.answers import CHECKS, Row, ask_all, metrics, reported_fallbacks, summarise
from ragops.quality.evaluation.ranking import MEASURES
from ragops.quality.evaluation.retrieval import Evaluator
from ragops.quality.questions import Question
from ragops.releases.registry import Judged
from ragops.serving.model.loaded import LoadedChain
from ragops.usecase import UseCase


def retrieval_figures(use_case: UseCase, place: Locations, questions: Sequence[Question]) -> dict[str, float]:
    """The measures of the use case's success criteria for what the index finds.

    Raises:
        UserError: none of the questions has an answer in the corpus, or there is no index.
    """
    answerable = [one for one in questions if one.answerable]
    if not answerable:
        asked = f"none of the {len(questions)} asked has an answer in the corpus"
        raise UserError(f"evaluation.questions: {asked}; give some that do, or ask more")
    reader = IndexReader(place.index)
    try:
        evaluator = Evaluator(
            reader.generation(),
            query_encoder(use_case, place.models),
            tokenizer_counter(tokenizer_file(use_case.embedding)),
            answerable,
            open_reranker(use_case, place.models),
        )
        (measured,) = evaluator.evaluate([use_case.retrieval])
    finally:
        reader.close()
    return {name: measured.interval(name).mean for name in MEASURES} | {"search_p95_ms": measured.percentile(95)}


def judge(
    chain: LoadedChain,
    judged: Judged,
    run_id: str,
    questions: Sequence[Question],
    result: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """The chain's answers to the questions, checked, and kept in its run."""
    rows = ask_all(chain.ask, questions, chain.primary, result)
    judged.keep(run_id, rows)
    return rows


def show(rows: Sequence[Row], retrieval: Mapping[str, float]) -> None:
    """Prints what was measured."""
    table = Table("", "mean", "95 %", "of", box=None, pad_edge=False)
    for name, found in summarise(rows).items():
        if name in CHECKS:
            figures = (
                ("-", "") if math.isnan(found.mean) else (f"{found.mean:.3f}", f"{found.low:.2f}-{found.high:.2f}")
            )
            table.add_row(name, *figures, CHECKS[name])
    for name, value in retrieval.items():
        table.add_row(name, f"{value:.3g}", "", "retrieval")
    console = Console(width=120, force_jupyter=False, color_system=None)
    console.print(table)
    known = metrics(rows)
    result = f"{len(rows)} questions, {known['errors']:.0f} errors"
    if "seconds_p50" in known:
        result += f"; half are answered within {known['seconds_p50']:.1f} s, 95 % within {known['seconds_p95']:.1f} s"
    if by_others := reported_fallbacks(rows):
        result += f"; {by_others}"
    console.print(result, soft_wrap=True, markup=False)  # one line: of a task's output, the last is shown
