"""The release gate: floors and ceilings, a paired comparison with the champion, and no missing figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragops.quality.evaluation.answers import Row, differences, error_share, metrics, reported_fallbacks
from ragops.quality.statistics.intervals import FEWEST_CLUSTERS, Interval
from ragops.usecase import Release

_MANY_QUOTED = 0.5
"""The share of quoted answers above which a decision mentions them."""
_OVERLAP = 0.9
"""The share of the chain's questions that the champion must have answered too."""

Verdict = Literal["met", "not met", "missing"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One requirement: what is required, what was measured, and whether it is met. A missing figure is not met."""

    name: str
    required: str
    measured: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """All conditions, and whether the chain may replace the champion.

    `notes` mention answers that were not the model's own although no condition forbids them, so that this is visible.
    """

    conditions: tuple[Condition, ...]
    better: bool
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether every condition is met."""
        return all(one.verdict == "met" for one in self.conditions)

    @property
    def promotes(self) -> bool:
        """Whether every condition is met and the chain is better than the champion."""
        return self.passes and self.better

    @property
    def reason(self) -> str:
        """Why it is promoted or not, with the notes, in one line."""
        failed = [f"{one.name} {one.measured}, required {one.required}" for one in self.conditions
                  if one.verdict != "met"]  # fmt: skip
        not_better = f"it is not better than the champion on any check with {FEWEST_CLUSTERS} topics or more"
        why = failed or ["every condition is met" if self.better else not_better]
        return "; ".join([*why, *self.notes])


def decide(
    settings: Release,
    figures: Mapping[str, float],
    rows: Sequence[Row],
    champion: Sequence[Row] | None,
) -> Decision:
    """The gate's decision.

    Args:
        settings: the use case's release settings.
        figures: every measure of the chain by name; those of `rows` are added.
        rows: the chain's answers.
        champion: the champion's answers to the same questions; None if there is no champion yet.
    """
    known = dict(figures) | metrics(rows)
    conditions = [
        *(_at_least(name, least, known) for name, least in settings.floors.items()),
        *(_at_most(name, most, known) for name, most in settings.ceilings.items()),
        _few_errors(rows, settings.max_error_share),
    ]
    notes = tuple(_notes(rows, settings.max_error_share, known))
    if champion is None:
        return Decision(tuple(conditions), better=True, notes=notes)
    compared = differences(rows, champion)
    conditions += [_overlap(rows, champion)]
    for name, found in compared.items():
        if not math.isnan(found.mean):
            conditions.append(_not_worse(name, found, settings.margin))
        elif any(not math.isnan(row.values[name]) for row in champion):
            conditions.append(Condition(name, "because the champion has it", "missing", "missing"))
    better = any(found.sign > 0 for found in compared.values())
    return Decision(tuple(conditions), better, notes)


def _at_least(name: str, least: float, figures: Mapping[str, float]) -> Condition:
    value = figures.get(name, float("nan"))
    verdict: Verdict = "missing" if math.isnan(value) else "met" if value >= least else "not met"
    return Condition(name, f"at least {least:g}", _shown(value), verdict)


def _at_most(name: str, most: float, figures: Mapping[str, float]) -> Condition:
    value = figures.get(name, float("nan"))
    verdict: Verdict = "missing" if math.isnan(value) else "met" if value <= most else "not met"
    return Condition(name, f"at most {most:g}", _shown(value), verdict)


def _few_errors(rows: Sequence[Row], most: float) -> Condition:
    share, by_fallback = error_share(rows), reported_fallbacks(rows)
    why = f" ({by_fallback})" if by_fallback else ""
    if share == 1:
        return Condition("questions", "at least one without an error", f"none of {len(rows)}{why}", "missing")
    return Condition("errors", f"at most {most:.0%}", f"{share:.0%}{why}", "met" if share <= most else "not met")


def _notes(rows: Sequence[Row], most_errors: float, figures: Mapping[str, float]) -> Iterator[str]:
    if (by_fallback := reported_fallbacks(rows)) and error_share(rows) <= most_errors:
        yield by_fallback
    if (quoted := 1 - figures.get("own_words", 1.0)) > _MANY_QUOTED:
        yield f"{quoted:.0%} of the answers are sentences quoted from the passages, because the model cited nothing"


def _not_worse(name: str, found: Interval, margin: float) -> Condition:
    required = f"lower bound at least -{margin:g}"
    return Condition(f"{name} - champion's", required, str(found), "not met" if found.low < -margin else "met")


def _overlap(rows: Sequence[Row], champion: Sequence[Row]) -> Condition:
    """Whether the champion answered the same questions; otherwise there is nothing to compare with.

    A champion that answers nothing now may work again tomorrow, so the gate does not ignore it: if it never
    does, someone has to remove its alias.
    """
    asked = {row.question_id for row in rows if row.error is None}
    both = asked & {row.question_id for row in champion if row.error is None}
    measured = f"{len(both)} of {len(asked)}"
    met = bool(asked) and len(both) >= _OVERLAP * len(asked)
    if asked and not both:
        measured += " (if the champion no longer answers, remove its alias in MLflow)"
    return Condition("questions that both answered", f"{_OVERLAP:.0%}", measured, "met" if met else "missing")


def _shown(value: float) -> str:
    return "missing" if math.isnan(value) else f"{value:.3g}"
