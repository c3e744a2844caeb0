"""What the page of an evaluation or a release shows, as plain values: figures, texts and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragops.quality.evaluation.answers import Passage
from ragops.quality.statistics.intervals import Interval
from ragops.quality.statistics.paired import Comparison

State = Literal["good", "bad", "open"]
"""How a result is colored: a condition that is met, one that is not, and what decides nothing."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A part of the chain's configuration, in the chain and in the champion."""

    name: str
    champion: str
    own: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of the chain, and how it compares with the champion's.

    Attributes:
        name: the measure.
        meaning: what it is a share or a mean of.
        own: the chain's mean with its interval.
        n: the number of questions that it applies to.
        champion: the champion's mean; None without a champion.
        paired: the comparison on the questions that both answered; None without a champion.
        adjusted: the p-value after the correction for the number of measures; NaN where there is none.
        verdict: "better", "worse", or "" where the difference may be chance.
        margin: the allowed loss; None where the measure decides nothing.
    """

    name: str
    meaning: str
    own: Interval
    n: int
    champion: Interval | None = None
    paired: Comparison | None = None
    adjusted: float = math.nan
    verdict: str = ""
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Required:
    """A condition: what is required, what was measured, and how it ended, such as "met", "not met" or "missing"."""

    name: str
    required: str
    measured: str
    outcome: str
    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One judge: its rate, what people say of it, and how its calls ended.

    Attributes:
        name: the judge.
        rate: the mean score, by which chains are compared; its mean is NaN where nothing was scored.
        good: the share of answers that it calls good.
        corrected: that share corrected by people's labels; None without labels.
        kappa: the agreement with people; None without labels.
        labels: the number of labelled answers behind it.
        decides: whether the gate uses it.
        why: why it decides, or does not.
        states: how many calls ended how: scored, refused, error, unparsed.
        not_judged: in how many answers it had nothing to judge, and why, in a few words; "" for none, or if not known.
    """

    name: str
    rate: Interval
    good: Interval
    corrected: Interval | None
    kappa: Interval | None
    labels: int
    decides: bool
    why: str
    states: Mapping[str, int]
    not_judged: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One chain's answer to a question: its text or its error, the cited passages, and the values of its checks."""

    answer: str
    passages: tuple[Passage, ...]
    error: str | None
    values: Mapping[str, float]
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worst:
    """A question that went badly: what was asked and expected, the chain's answer, and the champion's."""

    question_id: str
    question: str
    expected: str
    own: Side
    champion: Side | None


@dataclass(frozen=True, slots=True)
class Spent:
    """A line of the bill: for what, how many calls, tokens read and written, and the cost in the prices' currency.

    `cost` is NaN, and counts are None, where they are not known.
    """

    what: str
    calls: int | None
    read: int | None
    written: int | None
    cost: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page.

    Attributes:
        title: the use case and the chain.
        verdict: in two or three words.
        state: the verdict's color.
        sentence: why, in one sentence.
        facts: where and when, by name.
        tiles: the key figures, by name.
        changed: how the chain differs from the champion; None without a champion.
        measured: the measures.
        required: the conditions.
        judged: the judges; empty where none ran.
        without_judges: why no judge ran; "" if one did.
        worst: the worst questions, worst first.
        errors: how many questions ended with each error, and judge calls with each state.
        spent: the bill.
        notes: what a reader must know in addition.
    """

    title: str
    verdict: str
    state: State
    sentence: str
    facts: Mapping[str, str]
    tiles: Mapping[str, str]
    changed: tuple[Changed, ...] | None
    measured: tuple[Measured, ...]
    required: tuple[Required, ...]
    judged: tuple[Judged, ...]
    without_judges: str
    worst: tuple[Worst, ...]
    errors: Mapping[str, int]
    spent: tuple[Spent, ...]
    notes: tuple[str, ...] = ()

    @property
    def improved(self) -> list[Measured]:
        """The measures that are better by more than chance."""
        return [one for one in self.measured if one.verdict == "better"]

    @property
    def got_worse(self) -> list[Measured]:
        """The measures that are worse by more than chance."""
        return [one for one in self.measured if one.verdict == "worse"]
