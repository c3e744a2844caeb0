"""Which of the statistical findings of one run count, so that clean runs stay without findings.

A check reports what it compared with its p-value, whatever came out, and decides nothing. Here Holm's correction is
applied to all comparisons of the run together: with `FALSE_FINDINGS` as the limit at most one of 400 runs over a system
without faults has a false finding. With many answers even a trifle is significant, so each check has a least effect.
`python -m tests.bench.monitoring_false_alarms` counts the false findings of simulated clean systems.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragops.monitoring.finding import Found
from ragops.quality.statistics.paired import adjusted

FALSE_FINDINGS = 0.0025
"""How probable one false finding or more is in a run over a system without faults."""


@dataclass(frozen=True, slots=True)
class Least:
    """The least effect that matters: the distance of value and expected value, or their ratio, in either direction."""

    distance: float = 0.0
    ratio: float = 1.0

    def is_reached_by(self, one: Found) -> bool:
        """Whether the effect is at least this; a finding without numbers is."""
        if one.value is None or one.expected is None:
            return True
        small, large = sorted((abs(one.value), abs(one.expected)))
        return abs(one.value - one.expected) >= self.distance and large >= self.ratio * small


LEAST: Mapping[str, Least] = {
    "questions_volume": Least(ratio=2),
    "questions_length": Least(ratio=1.5),
    "questions_language": Least(0.1),
    "questions_topic": Least(0.1),
    "questions_drift": Least(0.1),
    "questions_repeated": Least(0.2),
    "questions_without_evidence": Least(0.1),
    "questions_far": Least(0.2),
    "retrieval_scores": Least(0.3),
    "document_everywhere": Least(0.25),
    "answers_declined": Least(0.1),
    "answers_citations": Least(0.05),
    "answers_uncited": Least(0.15),
    "answers_support": Least(0.1),
    "answers_fallback": Least(0.1),
    "answers_failed": Least(0.05),
    "answers_judged": Least(0.15),
    "judge_drift": Least(0.1),
    "feedback_rate": Least(0.05),
    "feedback_down": Least(0.15),
    "answer_tokens": Least(ratio=1.5),
    "answer_cost": Least(ratio=1.5),
    "user_flooding": Least(ratio=3),
    "answers_slow": Least(ratio=1.5),
    "step_slow": Least(ratio=1.5),
    "model_slow": Least(ratio=1.5),
    "queue_long": Least(0.5),
}
"""By check; one that is not here has none."""

EXPLAINED_BY: Mapping[str, tuple[str, ...]] = {
    "questions_drift": ("questions_topic", "questions_language", "questions_repeated"),
    "questions_volume": ("user_flooding", "questions_repeated"),
    "questions_far": ("questions_without_evidence",),
    "retrieval_scores": ("questions_topic", "questions_language", "questions_without_evidence"),
    "answers_slow": ("step_slow", "model_slow", "queue_long"),
    "answer_cost": ("price_changed", "answer_tokens", "budget_exceeded"),
}
"""A finding is left out if one of these says the same more exactly."""


def decide(found: Sequence[Found]) -> list[Found]:
    """Those findings that are certain, and those that chance does not explain and that matter."""
    uncertain = [one for one in found if one.p_value is not None]
    corrected = adjusted([one.p_value for one in uncertain if one.p_value is not None])
    kept = {id(one) for one, p in zip(uncertain, corrected, strict=True) if p <= FALSE_FINDINGS and _matters(one)}
    return list(_unexplained([one for one in found if one.p_value is None or id(one) in kept]))


def _matters(one: Found) -> bool:
    return LEAST.get(one.check, Least()).is_reached_by(one)


def _unexplained(found: Collection[Found]) -> Iterator[Found]:
    present = {one.check for one in found}
    for one in found:
        if present.isdisjoint(EXPLAINED_BY.get(one.check, ())):
            yield one
