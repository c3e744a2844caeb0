"""Comparisons in MLflow: a run for each variant, below one for the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ragops.errors import needing
from ragops.quality.evaluation.comparison import Tried

ANSWERS = "answers.json"
"""The artifact with a run's answers, one row a question."""


@contextmanager
def tracked_run(kind: str, **params: object) -> Iterator[str]:
    """A run of the experiment that is open, active inside; gives the run's id.

    Raises:
        NotPermitted: no run may be begun there.
    """
    import mlflow

    with needing("CAN EDIT", "experiment of this run"):
        begun = mlflow.start_run(run_name=kind, tags={"kind": kind})
    with begun as run:
        mlflow.log_params(params)
        yield str(run.info.run_id)


def tracked(tried: Iterable[Tried]) -> Iterator[Tried]:
    """The same, each one logged below the active run as it comes."""
    import mlflow

    for one in tried:
        with mlflow.start_run(run_name=one.variant.label, nested=True, tags={"kind": "variant"}):
            mlflow.log_params(dict(parameters(one)))
            mlflow.log_metrics(one.metrics())
            mlflow.log_table(_columns(one), ANSWERS)
        yield one


def parameters(one: Tried) -> Mapping[str, str]:
    """What tells runs from each other; the hash tells two texts of one template name."""
    return {
        "prompt": one.variant.prompt,
        "technique": one.template.technique,
        "content_hash": one.template.content_hash,
        "llm": one.variant.llm,
        "fusion": one.variant.fusion,
    }


def _columns(one: Tried) -> dict[str, list[object]]:
    """The rows by column; None where a check does not apply, since JSON knows no NaN."""
    records = [row.as_dict() for row in one.rows]
    return {name: [_finite(record[name]) for record in records] for name in records[0]} if records else {}


def _finite(value: object) -> object:
    return None if isinstance(value, float) and value != value else value
