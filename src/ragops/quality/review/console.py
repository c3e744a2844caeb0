"""Terminal output of `ragops judges agreement` and `align`, in 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from ragops.quality.judges.align import Alignment
from ragops.quality.review.agreement import JudgeAgreement
from ragops.quality.statistics.agreement import Agreement
from ragops.quality.statistics.intervals import Interval


def print_agreements(console: Console, found: Sequence[JudgeAgreement], min_kappa: float) -> None:
    """Prints each judge against people, then its rate as it is and corrected, and what does not count."""
    if not found:
        console.print("no judgments; make some: ragops judges run")
        return
    console.print(_against_people(found))
    console.print()
    console.print(_rates(found))
    for line in _notes(found, min_kappa):
        console.print(line, highlight=False, markup=False)


def print_alignment(console: Console, found: Alignment, kept: str | None) -> None:
    """Prints a judge's agreement before and after, and what became of the examples."""
    table = Table("", box=None, pad_edge=False)
    for heading in ("version", "kappa", "95 %", "sens.", "spec.", "tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = zip(("before", "after"), found.versions, (found.before, found.after), found.tokens, strict=True)
    for name, version, one, tokens in rows:
        table.add_row(name, version, *_agreement_cells(one), f"{tokens:,.0f}")
    console.print(table)
    count = len(found.examples.examples)
    lines = [
        f"{found.before.n} answers drawn at random, {found.before.positives} good to people; {count} examples",
        found.reason,
        f"cost {found.cost:.4g}",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False)
    # In one line, so that the path can be copied.
    written = f"kept in {kept}" if kept else "nothing was written"
    console.print(written, highlight=False, markup=False, soft_wrap=True)


def _against_people(found: Sequence[JudgeAgreement]) -> Table:
    table = Table("judge", box=None, pad_edge=False)
    for heading in ("labels", "good", "kappa", "95 %", "sens.", "spec.", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        own = one.with_people
        does = "decides" if one.decides else "informs only"
        table.add_row(one.judge, f"{own.n:,}", f"{own.positives:,}", *_agreement_cells(own), does)
    return table


def _rates(found: Sequence[JudgeAgreement]) -> Table:
    table = Table("judge", box=None, pad_edge=False)
    for heading in ("answers", "judged good", "Rogan-Gladen", "prediction-powered"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        table.add_row(one.judge, f"{one.judged:,}", *map(_rate, (one.raw, one.corrected, one.prediction_powered)))
    return table


def _notes(found: Sequence[JudgeAgreement], min_kappa: float) -> Iterator[str]:
    if any(not one.decides for one in found):
        yield (
            f"informs only: kappa is below {min_kappa:g} (evaluation.min_kappa), or not shown to be more than chance"
        )
    for one in found:
        between = one.between_people
        if between.n:
            yield f"{one.judge}: two reviewers on {between.n:,} answers: kappa {_number(between.kappa.mean)}"
        left_out = {
            "not drawn at random": one.not_random,
            "reviewers divided": one.disputed,
            "not judged by this version": one.not_judged,
        }
        if parts := [f"{count:,} {why}" for why, count in left_out.items() if count]:
            yield f"{one.judge}: labelled answers that do not count: {', '.join(parts)}"


def _agreement_cells(one: Agreement) -> tuple[str, ...]:
    parts = (one.kappa.mean, one.sensitivity.mean, one.specificity.mean)
    kappa, sensitivity, specificity = map(_number, parts)
    return kappa, _bounds(one.kappa), sensitivity, specificity


def _rate(one: Interval) -> str:
    return f"{_number(one.mean)} {_bounds(one)}"


def _bounds(one: Interval) -> str:
    if not math.isfinite(one.low):
        return "-"
    return f"{_number(one.low)}{'-' if one.low >= 0 else ', '}{_number(one.high)}"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"
