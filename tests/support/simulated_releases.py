"""Releases of a chain whose answers vary from run to run, judged by judges that err, through the real gate."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.judges.rows import Judgment, State
from ragops.quality.statistics.agreement import Agreement, agreement
from ragops.usecase.evaluation import Evaluation, JudgeName, Release

GATE, LIMITS = Release(), Evaluation(judge="judge")
CHECKED = ("answered", "supported", "citation_validity")
JUDGED: tuple[JudgeName, ...] = ("context_relevance", "groundedness", "answer_relevance")
FAILURES: tuple[State, ...] = ("refused", "error", "unparsed")
SENSITIVITY, SPECIFICITY = 0.9, 0.8
_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_BLANK = Judgment(
    judgment_id="", inputs="", answer_id="", question_id=None, question="?", cluster="", judge="groundedness",
    judge_version="1", model="judge", state="scored", verdict=None, score=None, reason=None, details=None,
    judged_at=_NOW,
)  # fmt: skip


def trusted() -> dict[str, Agreement]:
    """Labels by which all judges may decide."""
    people = [number % 2 == 0 for number in range(60)]
    judge = [good != (number < 6) for number, good in enumerate(people)]
    found = agreement(judge, people, [str(number % 15) for number in range(60)])
    return dict.fromkeys(JUDGED, found)


@dataclass(frozen=True)
class Chain:
    """A chain by the chance that its answer to each question passes each check or is good for each judge."""

    chances: dict[str, np.ndarray]
    clusters: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator, questions: int = 200, documents: int = 40) -> "Chain":
        """Some questions are nearly always answered well, some nearly never, and documents differ."""
        clusters = rng.integers(0, documents, questions)
        chances = {}
        for name in (*CHECKED, *JUDGED):
            level = np.clip(rng.normal(0.75, 0.12, documents), 0.05, 0.95)[clusters]
            chances[name] = rng.beta(1.5 * level, 1.5 * (1 - level))
        return cls(chances, clusters)

    def shifted(self, by: float) -> "Chain":
        """The same with other chances: of every check and judge, for each question."""
        return Chain({name: np.clip(found + by, 0, 1) for name, found in self.chances.items()}, self.clusters)

    def evaluated(self, rng: np.random.Generator, failing: float = 0.03) -> Evaluated:
        """One run: answers, then verdicts by judges that err, of which a share of the calls fail."""
        count = len(self.clusters)
        passed = {name: rng.random(count) < chance for name, chance in self.chances.items()}
        rows = [
            Row(
                question_id=f"q{number}", cluster=f"d{self.clusters[number]}", question="?", answer="!", cited=(),
                values=dict.fromkeys(CHECKS, math.nan) | {name: float(passed[name][number]) for name in CHECKED},
                seconds=1.0, error=None,
            )
            for number in range(count)
        ]  # fmt: skip
        judgments = [one for name in JUDGED for one in _judgments(rng, name, passed[name], failing)]
        return Evaluated(rows, judgments, question_set="v1")


def _judgments(rng: np.random.Generator, judge: JudgeName, good: np.ndarray, failing: float) -> Iterator[Judgment]:
    chance = rng.random(len(good))
    scores = np.where(good, chance < SENSITIVITY, chance >= SPECIFICITY)
    failed = set(rng.choice(len(good), round(failing * len(good)), replace=False).tolist())
    for number, score in enumerate(scores):
        state: State = FAILURES[number % len(FAILURES)] if number in failed else "scored"
        value = float(score) if state == "scored" else None
        yield _BLANK.model_copy(update={"judge": judge, "question_id": f"q{number}", "state": state, "score": value})


def releases(count: int, shift: float = 0.0, seed: int = 0) -> Iterator[tuple[Decision, Decision]]:
    """The decisions on a chain that is released twice, against a champion that is worse by the shift."""
    rng, known = np.random.default_rng(seed), trusted()
    for _ in range(count):
        champion = Chain.drawn(rng)
        chain, before = champion.shifted(shift), champion.evaluated(rng)
        first, second = (decide(GATE, LIMITS, chain.evaluated(rng), before, known) for _ in range(2))
        yield first, second


def uncounted_failures(count: int, failing: float, seed: int = 0) -> tuple[int, int]:
    """Over as many releases: failed judge calls that the gate's conditions do not name, and releases wrongly judged.

    A release is wrongly judged if more calls fail than the use case allows and it passes, or fewer and it does not.
    """
    rng, known, uncounted, wrong = np.random.default_rng(seed), trusted(), 0, 0
    for _ in range(count):
        own = Chain.drawn(rng).evaluated(rng, failing)
        injected = len(JUDGED) * round(failing * len(own.rows))
        decision = decide(GATE, LIMITS, own, None, known)
        counted = Counter[str]()
        for name in JUDGED:
            counted.update(own.states(name))
        named = sum(
            int(part.split()[-1])
            for one in decision.conditions
            if "without a verdict" in one.name and "(" in one.measured
            for part in one.measured.split("(")[1].rstrip(")").split(", ")
        )
        uncounted += abs(injected - named) + abs(injected - sum(counted[state] for state in FAILURES))
        wrong += decision.passes is (failing > LIMITS.max_error_share)
    return uncounted, wrong
