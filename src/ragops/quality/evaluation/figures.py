"""What an evaluation measured, as rows of the table `metrics`: retrieval, answers, judgments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragops.answers.llms.settings import ModelSettings
from ragops.quality.criteria.rows import Metric, Origin
from ragops.quality.evaluation.answers import CHECKS, Row, fallbacks
from ragops.quality.evaluation.retrieval import SettingsResult, measure_names
from ragops.quality.judges.rows import Judgment
from ragops.usecase.evaluation import JUDGES

ANSWER_COST = "answer_cost"


def retrieval_metrics(origin: Origin, measured: SettingsResult) -> list[Metric]:
    """What the index finds under one choice of settings, and the latency of searches."""
    found = [
        row for name in measure_names() for row in origin.mean(name, measured.values[name].tolist(), measured.clusters)
    ]
    return [*found, *origin.percentile("search_p95_ms", measured.milliseconds.tolist(), 95)]


def answer_metrics(origin: Origin, rows: Sequence[Row], costs: Sequence[float]) -> list[Metric]:
    """Checks, errors, waiting and cost of answers; `costs` as `answer_costs`, one for each row."""
    return list(_answer_metrics(origin, rows, costs))


def judged_metrics(origin: Origin, judgments: Sequence[Judgment], live: bool = False) -> list[Metric]:
    """The mean score of each judge over what it scored; `live`: of answers to users, which have their own measures."""
    found: list[Metric] = []
    for name in JUDGES:
        scored = [one for one in judgments if one.judge == name and one.score is not None]
        scores = [one.score for one in scored if one.score is not None]
        found += origin.mean(f"live_{name}" if live else name, scores, [one.cluster for one in scored])
    return found


def answer_costs(rows: Sequence[Row], model: ModelSettings) -> list[float]:
    """What the model calls for each answer cost by the use case's prices; 0 where no model was called.

    Args:
        rows: the answers; those with an error cost what is not known, and count as nothing.
        model: that wrote the answers.
    """
    return [_cost(row, model) if row.model == model.name else 0.0 for row in rows]


def _cost(row: Row, model: ModelSettings) -> float:
    tokens = row.prompt_tokens * model.price_per_million_input + row.completion_tokens * model.price_per_million_output
    return tokens / 1e6 + row.seconds * model.price_per_second


def _answer_metrics(origin: Origin, rows: Sequence[Row], costs: Sequence[float]) -> Iterator[Metric]:
    clusters = [row.cluster for row in rows]
    for name in CHECKS:
        yield from origin.mean(name, [row.values[name] for row in rows], clusters)
    counts = {"questions": len(rows), "errors": sum(row.error is not None for row in rows)}
    for name, count in (counts | {"fallbacks": sum(fallbacks(rows).values())}).items():
        yield origin.metric(name, float(count), len(rows))
    answered = [(row, cost) for row, cost in zip(rows, costs, strict=True) if row.error is None]
    if answered:
        for name, percent in (("seconds_p50", 50), ("seconds_p95", 95)):
            yield from origin.percentile(name, [row.seconds for row, _ in answered], percent)
        yield from origin.mean(ANSWER_COST, [cost for _, cost in answered], [row.cluster for row, _ in answered])
