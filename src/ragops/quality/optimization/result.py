"""The result of an optimization: the prompt before and after, the gain, and how it is printed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.prompts.registry import Registered
from ragops.answers.prompts.template import Template
from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.evaluation.reports.variants import print_variants
from ragops.quality.optimization.trials import score
from ragops.quality.statistics.intervals import Interval, difference_interval

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Optimized:
    """The result of an optimization.

    Attributes:
        own: the prompt before optimization, on the held-out questions.
        better: the best prompt found, on the same; None where none was better on the training questions.
        template: the best prompt found.
        training: the score of both on the training questions.
        registered: the best prompt's version; None where it is not better on the held-out questions.
        calls: all model calls.
        refused: what was wrong with proposals that could not be tried.
    """

    own: VariantResult
    better: VariantResult | None
    template: Template = field(repr=False)
    training: tuple[float, float]
    registered: Registered | None
    calls: tuple[CallRow, ...] = field(repr=False)
    refused: tuple[str, ...] = ()

    @property
    def gain(self) -> Interval | None:
        """By how much the best prompt's score is higher on the held-out questions, paired by question."""
        return _gain(self.better, self.own) if self.better else None

    @property
    def is_significant(self) -> bool:
        """Whether the gain is more than chance; never with few topics."""
        return self.gain is not None and self.gain.sign > 0


def _gain(better: VariantResult, own: VariantResult) -> Interval:
    """A failure of the better one scores 0: instructions must not win by making questions impossible to answer."""
    before = {row.question_id: score(row.values) for row in own.rows if row.error is None}
    both = [row for row in better.rows if row.question_id in before]
    after = [score(row.values) if row.error is None else 0.0 for row in both]
    values = np.array(after, np.float64) - [before[row.question_id] for row in both]
    return difference_interval(values, [row.cluster for row in both])


def print_optimized(console: Console, found: Optimized) -> None:
    """Prints the changed instructions, the figures of both prompts on the held-out questions, and the outcome."""
    if found.better is not None:
        console.print(_changes(found.own.template.system, found.template.system), soft_wrap=True)
        print_variants(console, [found.own, found.better], found.own.variant.prompt, "before")
    for line in (*_outcome(found), *_refused(found), _cost(found)):
        console.print(line, highlight=False, soft_wrap=True)


def _changes(before: str, after: str) -> Text:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
    return Text("\n").join([Text(line, _COLORS.get(line[:1], "dim")) for line in lines])


def _outcome(found: Optimized) -> Iterator[str]:
    before, after = found.training
    gain = found.gain
    if gain is None:
        fix = "try a larger --budget, more --questions or another --reflection-model"
        yield f"[yellow]nothing better was found[/]: score {before:.2f} on the training questions; {fix}"
        return
    difference = f"score {gain.mean:+.2f} ({gain.low:+.2f} to {gain.high:+.2f}) on the held-out questions"
    yield f"training questions: score {before:.2f} -> {after:.2f}; {difference}"
    if found.registered is None:
        yield "[yellow]not better on the held-out half[/]: nothing is registered"
    else:
        verdict = "[green]better[/]" if found.is_significant else "[yellow]improvement not significant[/]"
        aliases = f", alias {', '.join(found.registered.aliases)}" if found.registered.aliases else ""
        yield f"{verdict}: registered as {escape(found.registered.uri)}{escape(aliases)}"


def _refused(found: Optimized) -> Iterator[str]:
    if found.refused:
        yield f"{len(found.refused)} proposals could not be tried; the last: {escape(found.refused[-1])}"


def _cost(found: Optimized) -> str:
    tokens = sum(call.prompt_tokens + call.completion_tokens for call in found.calls)
    proposals = sum(call.purpose == "improve" for call in found.calls)
    cost = sum(call.cost for call in found.calls)
    price = f", cost {cost:.4g}" if cost else ""
    return f"[dim]{len(found.calls) - proposals} answers, {proposals} proposals, {tokens:,} tokens{price}[/]"
