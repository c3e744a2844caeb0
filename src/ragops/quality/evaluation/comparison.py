"""Variants on the evaluation set: what each answers, what it costs, and how much better than usecase.yml's it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.html import Exchange
from ragops.answers.chain.types import Question as Asked
from ragops.answers.llms.ledger.ledger import CallRow
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.quality.evaluation.answers import Outcome, Row, ask_all, differences, metrics, sampled, summarise
from ragops.quality.evaluation.bootstrap import Interval
from ragops.quality.evaluation.variants import Chains, Variant, everyone
from ragops.quality.questions import Question

WHO = "prototype"
"""In the ledger, for calls that a comparison makes."""


@dataclass(frozen=True)
class Tried:
    """A variant's answers to the questions, one row each, and the calls of models that they took."""

    variant: Variant
    template: Template = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    calls: tuple[CallRow, ...] = field(repr=False)

    @property
    def tokens(self) -> float:
        """Tokens read and written for a question, on average; NaN where nothing was asked."""
        total = sum(call.prompt_tokens + call.completion_tokens for call in self.calls)
        return total / len(self.rows) if self.rows else math.nan

    @property
    def cost(self) -> float:
        """Of all calls, by the use case's prices."""
        return sum(call.cost for call in self.calls)

    def metrics(self) -> dict[str, float]:
        """What a run logs: the answers' figures, tokens a question, and the cost."""
        return metrics(self.rows) | {"tokens": self.tokens, "cost": self.cost}

    def intervals(self) -> dict[str, Interval]:
        """Mean and interval of each check."""
        return summarise(self.rows)

    def better_than(self, other: Tried) -> dict[str, Interval]:
        """By how much in each decisive check, on the same questions."""
        return differences(self.rows, other.rows)


def questions_to_try(questions: Sequence[Question], most: int) -> list[Question]:
    """At most so many of the use case's evaluation questions, the same ones each time.

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
    result: Callable[[Variant, int], None] = lambda variant, done: None,
) -> Iterator[Tried]:
    """Each variant's answers as soon as they are there, in the variants' order; `told` hears how many it has given.

    Raises:
        UserError: a variant cannot be had here. One that fails on a question has that failure among its rows.
    """
    chains.check(variants)
    for variant in variants:
        chain = chains.open(variant)
        chains.calls.taken()
        rows = ask_all(
            partial(_outcome, chain, everyone(chains.use_case)), questions, variant.llm, partial(result, variant)
        )
        yield Tried(variant, chain.prompt, tuple(rows), chains.calls.taken())


def ask_each(chains: Chains, variant: Variant, questions: Sequence[str]) -> list[Exchange]:
    """One variant's answers to any questions, with all that led to them; one that failed has its reason.

    Raises:
        UserError: the variant cannot be had here.
    """
    chains.check([variant])
    chain = chains.open(variant)
    return [_exchange(chains, chain, question) for question in questions]


def _exchange(chains: Chains, chain: Chain, question: str) -> Exchange:
    chains.calls.taken()
    try:
        answer = chain.answer(_asked(question, everyone(chains.use_case)))
    except UserError as error:
        return Exchange(question, calls=chains.calls.taken(), error=str(error))
    messages = chain.messages(answer.standalone, answer.sources) if answer.model else []
    return Exchange(question, answer, tuple(messages), chains.calls.taken())


def _outcome(chain: Chain, groups: tuple[str, ...], question: str) -> Outcome:
    return Outcome.of(chain.answer(_asked(question, groups)))


def _asked(question: str, groups: tuple[str, ...]) -> Asked:
    return Asked(question, groups=groups, who=WHO)


def surely(found: Interval) -> str:
    """Returns "better" or "worse" where chance does not explain the difference, else ""."""
    return ("", "better", "worse")[found.sign]
