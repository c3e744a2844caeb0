"""The release gate: floors and ceilings, judges that can be trusted, a paired comparison with the champion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragops.quality.evaluation.answers import DECISIVE, Row, error_share, reported_fallbacks
from ragops.quality.evaluation.evaluated import Compared, Evaluated, compared
from ragops.quality.statistics.agreement import Agreement
from ragops.quality.statistics.paired import Comparison
from ragops.usecase.evaluation import JUDGES, Evaluation, Release

_MANY_QUOTED = 0.5
"""The share of quoted answers above which a decision mentions them."""
_OVERLAP = 0.9
"""The share of the chain's questions that the champion must have answered too."""

Verdict = Literal["met", "not met", "missing"]
Outcome = Literal["promoted", "blocked", "undecided"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One requirement: what is required, what was measured, and whether it is met. A missing figure is not met.

    Attributes:
        name: the measure.
        required: in a few words.
        measured: the figure, or why there is none.
        verdict: whether it is met.
        decides: whether the chain must meet it; a judge that people do not confirm only informs.
        conclusive: False where it is not met because there are too few questions to say.
    """

    name: str
    required: str
    measured: str
    verdict: Verdict
    decides: bool = True
    conclusive: bool = True

    @property
    def stops(self) -> bool:
        """Whether the chain is not promoted because of it."""
        return self.decides and self.verdict != "met"


@dataclass(frozen=True, slots=True)
class Decision:
    """All conditions, and whether the chain may replace the champion.

    Attributes:
        conditions: what is required.
        comparisons: each measure that both chains have; empty without a champion.
        is_first: whether there is no champion to compare with.
        notes: what a reader must know although no condition forbids it, such as answers of another model.
    """

    conditions: tuple[Condition, ...]
    comparisons: tuple[Compared, ...]
    is_first: bool
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether every condition that decides is met."""
        return not any(one.stops for one in self.conditions)

    @property
    def better(self) -> bool:
        """Whether the chain is better than the champion in a measure that decides, or there is no champion."""
        return self.is_first or any(one.decides and one.verdict == "better" for one in self.comparisons)

    @property
    def promotes(self) -> bool:
        """Whether every condition is met and the chain is better than the champion."""
        return self.passes and self.better

    @property
    def outcome(self) -> Outcome:
        """Blocked: something is wrong. Undecided: nothing is, but the chain is not shown to be better, or not worse."""
        if self.promotes:
            return "promoted"
        return "blocked" if any(one.stops and one.conclusive for one in self.conditions) else "undecided"

    @property
    def reason(self) -> str:
        """Why it is promoted or not, with the notes, in one line."""
        failed = [f"{one.name} {one.measured}, required {one.required}" for one in self.conditions if one.stops]
        why = failed or ["every condition is met" if self.better else self._not_better()]
        return "; ".join([*why, *self.notes])

    def _not_better(self) -> str:
        known = [one.paired for one in self.comparisons if one.decides and not math.isnan(one.paired.detectable)]
        seen = min(known, key=lambda one: one.detectable, default=None)
        return "it is not better than the champion on any check" + (f" ({_detectable(seen)})" if seen else "")


def decide(
    gate: Release,
    limits: Evaluation,
    own: Evaluated,
    champion: Evaluated | None,
    agreements: Mapping[str, Agreement] | None = None,
) -> Decision:
    """The gate's decision.

    Args:
        gate: the floors, ceilings and margin of the use case: `UseCase.gate`.
        limits: what it requires of judges: its section `evaluation`.
        own: what was measured of the chain.
        champion: the same of the champion; None if there is none yet.
        agreements: of each judge with people, by name; a judge without one, or below `min_kappa`, only informs.
    """
    informing = dict(_informing(limits, agreements or {}))
    known = own.measures()
    conditions = [
        *(_at_least(name, least, known, name not in informing) for name, least in gate.floors.items()),
        *(_at_most(name, most, known, name not in informing) for name, most in gate.ceilings.items()),
        _few_errors(own.rows, gate.max_error_share),
        *_judge_calls(own, limits),
    ]
    used = {*own.judged, *gate.floors, *gate.ceilings}
    notes = (
        *_notes(own.rows, gate.max_error_share, known),
        *(f"{name} informs only: {why}" for name, why in informing.items() if name in used),
    )
    if champion is None:
        return Decision(tuple(conditions), (), is_first=True, notes=notes)
    if own.question_set != champion.question_set:
        conditions += [_other_questions(own, champion)]
        return Decision(tuple(conditions), (), is_first=False, notes=notes)
    comparisons = compared(own, champion, informing)
    conditions += [_overlap(own.rows, champion.rows), *(_not_worse(one, gate.margin) for one in comparisons)]
    conditions += _not_compared(own, champion, {one.name for one in comparisons}, informing)
    return Decision(tuple(conditions), comparisons, is_first=False, notes=notes)


def _informing(limits: Evaluation, agreements: Mapping[str, Agreement]) -> Iterator[tuple[str, str]]:
    """The judges that do not decide, with the reason."""
    for name in JUDGES:
        found = agreements.get(name)
        if found is None or not found.n:
            yield name, "no labels of people; give some on the page /review"
        elif not found.decides(limits.min_kappa):
            measured = f"kappa {found.kappa} of {found.n} labels in {found.kappa.clusters} topics"
            yield name, f"{measured}, required {limits.min_kappa:g} and more than chance"


def _at_least(name: str, least: float, figures: Mapping[str, float], decides: bool) -> Condition:
    value = figures.get(name, float("nan"))
    verdict: Verdict = "missing" if math.isnan(value) else "met" if value >= least else "not met"
    return Condition(name, f"at least {least:g}", _shown(value), verdict, decides)


def _at_most(name: str, most: float, figures: Mapping[str, float], decides: bool) -> Condition:
    value = figures.get(name, float("nan"))
    verdict: Verdict = "missing" if math.isnan(value) else "met" if value <= most else "not met"
    return Condition(name, f"at most {most:g}", _shown(value), verdict, decides)


def _few_errors(rows: Sequence[Row], most: float) -> Condition:
    share, by_fallback = error_share(rows), reported_fallbacks(rows)
    why = f" ({by_fallback})" if by_fallback else ""
    if share == 1:
        return Condition("questions", "at least one without an error", f"none of {len(rows)}{why}", "missing")
    return Condition("errors", f"at most {most:.0%}", f"{share:.0%}{why}", "met" if share <= most else "not met")


def _judge_calls(own: Evaluated, limits: Evaluation) -> Iterator[Condition]:
    """Whether enough calls of each judge gave a verdict: those that failed may be the hard ones, so means may be wrong.

    Judges that only inform must work as well: whether they may decide is found out from their verdicts.
    """
    if limits.judge and limits.judges and not own.judgments:
        yield Condition("judges", "at least one verdict", "missing", "missing")
    for name in own.judged:
        states = own.states(name)
        calls = states.total()
        failed = ", ".join(f"{state} {count}" for state, count in states.items() if state != "scored")
        share = 1 - states["scored"] / calls
        measured = f"{share:.0%} of {calls}" + (f" ({failed})" if failed else "")
        verdict: Verdict = "met" if share <= limits.max_error_share else "not met"
        yield Condition(f"{name}: calls without a verdict", f"at most {limits.max_error_share:.0%}", measured, verdict)


def _notes(rows: Sequence[Row], most_errors: float, figures: Mapping[str, float]) -> Iterator[str]:
    if (by_fallback := reported_fallbacks(rows)) and error_share(rows) <= most_errors:
        yield by_fallback
    if (quoted := 1 - figures.get("own_words", 1.0)) > _MANY_QUOTED:
        yield f"{quoted:.0%} of the answers are sentences quoted from the passages, because the model cited nothing"


def _not_worse(one: Compared, margin: float) -> Condition:
    found = one.paired.difference
    is_met, is_worse = found.low >= -margin, one.verdict == "worse"
    measured = str(found)
    if not is_met and not is_worse:
        measured += f", inconclusive: {_detectable(one.paired)}"
    return Condition(
        f"{one.name} - champion's",
        f"lower bound at least -{margin:g}",
        measured,
        "met" if is_met else "not met",
        one.decides,
        conclusive=is_met or is_worse,
    )


def _detectable(found: Comparison) -> str:
    where = f"{found.n} questions in {found.difference.clusters} topics"
    return f"{where} show differences of {found.detectable:.2g} and more"


def _not_compared(
    own: Evaluated, champion: Evaluated, known: set[str], informing: Mapping[str, str]
) -> Iterator[Condition]:
    """Measures that only one of the two has, and judges that judged them in different versions.

    A check that only the chain has does not stop it: the champion may have written nothing to which it applies.
    """
    for name in (*DECISIVE, *JUDGES):
        if name in known:
            continue
        if champion.values(name) and not own.values(name):
            yield Condition(name, "because the champion has it", "missing", "missing", name not in informing)
        elif name in own.judged:
            versions = [" and ".join(sorted(one.versions(name))) or "none" for one in (own, champion)]
            measured = f"judged by version {versions[0]}, the champion by {versions[1]}; measure the champion again"
            yield Condition(f"{name} - champion's", "the same judge", measured, "missing", name not in informing)


def _other_questions(own: Evaluated, champion: Evaluated) -> Condition:
    measured = f"version {champion.question_set or 'unknown'}; measure the champion again"
    return Condition("questions of the champion", f"version {own.question_set or 'unknown'}", measured, "missing")


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
