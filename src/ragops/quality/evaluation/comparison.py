"""Variants on the evaluation set: their answers, their cost, the paired differences, and their runs in MLflow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.html import Exchange
from ragops.answers.chain.types import Query
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.platform.mlflow_store import answering
from ragops.quality.datasets.question_set import VERSION, version_of
from ragops.quality.evaluation.answers import Outcome, Row, ask_all, differences, metrics, sampled, summarize
from ragops.quality.evaluation.variants import Chains, Variant, everyone
from ragops.quality.questions import Question
from ragops.quality.statistics.intervals import Interval
from ragops.text import json_number

WHO = "prototype"
"""The caller's name in the ledger, for calls that a comparison makes."""
ANSWERS = "answers.json"
"""The artifact with a run's answers, one row per question."""


@dataclass(frozen=True)
class VariantResult:
    """A variant's answers to the questions, one row each, and the model calls they took."""

    variant: Variant
    template: Template = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    calls: tuple[CallRow, ...] = field(repr=False)

    @property
    def tokens(self) -> float:
        """Tokens read and written per question, on average; NaN without questions."""
        total = sum(call.prompt_tokens + call.completion_tokens for call in self.calls)
        return total / len(self.rows) if self.rows else math.nan

    @property
    def cost(self) -> float:
        """The cost of all calls, by the use case's prices."""
        return sum(call.cost for call in self.calls)

    def metrics(self) -> dict[str, float]:
        """What a run logs: the answers' figures, tokens per question, and the cost."""
        return metrics(self.rows) | {"tokens": self.tokens, "cost": self.cost}

    def intervals(self) -> dict[str, Interval]:
        """Mean and interval of each check."""
        return summarize(self.rows)

    def better_than(self, other: VariantResult) -> dict[str, Interval]:
        """By how much in each decisive check, on the same questions."""
        return differences(self.rows, other.rows)

    def parameters(self) -> Mapping[str, str]:
        """What identifies the variant in a run; the hash distinguishes two texts of one template name."""
        return {
            "prompt": self.variant.prompt,
            "technique": self.template.technique,
            "content_hash": self.template.content_hash,
            "llm": self.variant.llm,
            "fusion": self.variant.fusion,
        }


def questions_to_try(questions: Sequence[Question], most: int) -> list[Question]:
    """At most `most` of the use case's evaluation questions, the same ones each time.

    Raises:
        UserError: the use case has none.
    """
    if not questions:
        raise UserError("evaluation.questions: the use case names none; give it a JSONL file of questions with answers")
    return sampled(questions, most)


def try_variants(
    chains: Chains,
    variants: Sequence[Variant],
    questions: Sequence[Question],
    on_progress: Callable[[Variant, int], None] = lambda variant, done: None,
) -> Iterator[VariantResult]:
    """Yields each variant's result when it is complete, in the variants' order.

    Args:
        chains: opens the variants.
        variants: what to compare.
        questions: what each of them is asked. A failure on a question is an error in its row.
        on_progress: called after each question with the variant and the number of questions it has answered.

    Raises:
        UserError: a variant is not available here.
    """
    chains.check(variants)
    for variant in variants:
        chain = chains.open(variant)
        chains.calls.take()
        ask = partial(_outcome, chain, everyone(chains.use_case))
        rows = ask_all(ask, questions, variant.llm, partial(on_progress, variant))
        yield VariantResult(variant, chain.prompt, tuple(rows), chains.calls.take())


def ask_each(chains: Chains, variant: Variant, questions: Sequence[str]) -> list[Exchange]:
    """One variant's answers to any questions, with everything that led to them; a failed one has its error.

    Raises:
        UserError: the variant is not available here.
    """
    chains.check([variant])
    chain = chains.open(variant)
    return [_exchange(chains, chain, question) for question in questions]


def _exchange(chains: Chains, chain: Chain, question: str) -> Exchange:
    chains.calls.take()
    try:
        answer = chain.answer(_query(question, everyone(chains.use_case)))
    except UserError as error:
        return Exchange(question, calls=chains.calls.take(), error=str(error))
    messages = chain.messages(answer.standalone, answer.sources) if answer.model else []
    return Exchange(question, answer, tuple(messages), chains.calls.take())


def _outcome(chain: Chain, groups: tuple[str, ...], question: str) -> Outcome:
    return Outcome.of(chain.answer(_query(question, groups)))


def _query(question: str, groups: tuple[str, ...]) -> Query:
    return Query(question, groups=groups, who=WHO)


@contextmanager
def tracked_run(kind: str, questions: Sequence[Question], **params: object) -> Iterator[str]:
    """A new run in the open experiment, active inside the block; gives the run's id.

    Its parameters are the number of questions, the version of what they ask and expect, and any others.

    Raises:
        NotPermitted: no run may be created there.
        UserError: the tracking store does not answer.
    """
    import mlflow

    with answering("CAN EDIT", "experiment of this run"):
        begun = mlflow.start_run(run_name=kind, tags={"kind": kind})
    with begun as run:
        mlflow.log_params({"questions": len(questions), VERSION: version_of(questions), **params})
        yield str(run.info.run_id)


def tracked(results: Iterable[VariantResult]) -> Iterator[VariantResult]:
    """Passes results on and logs each one as a nested run of the active run."""
    import mlflow

    for one in results:
        with mlflow.start_run(run_name=one.variant.label, nested=True, tags={"kind": "variant"}):
            mlflow.log_params(dict(one.parameters()))
            mlflow.log_metrics(one.metrics())
            mlflow.log_table(_columns(one), ANSWERS)
        yield one


def _columns(one: VariantResult) -> dict[str, list[object]]:
    """The rows by column; None where a check does not apply, since JSON has no NaN."""
    records = [row.as_dict() for row in one.rows]
    return {name: [json_number(record[name]) for record in records] for name in records[0]} if records else {}
