"""What a run of judges made and cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ragops.quality.judges.rows import STATES, Judgment, State
from ragops.usecase.evaluation import JudgeName


@dataclass(frozen=True)
class Bill:
    """The judgments of a run, and what they cost.

    Attributes:
        judgments: one for each task that was done, in all states; those that needed no call are `cached`.
        planned_by: tasks of each judge, done or not.
        not_applicable: how many answers each judge has nothing to judge in, by reason.
        stopped: why the run ended early; "" if it did not.
        reused: by judge, what the judgments that were reused cost when they were made.
    """

    judgments: tuple[Judgment, ...]
    planned_by: Mapping[JudgeName, int]
    not_applicable: Mapping[JudgeName, Mapping[str, int]] = field(default_factory=dict)
    stopped: str = ""
    reused: Mapping[JudgeName, float] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """Tasks, done or not."""
        return sum(self.planned_by.values())

    @property
    def reused_cost(self) -> float:
        """What the judgments that were reused cost when they were made."""
        return sum(self.reused.values())

    @property
    def not_judged(self) -> int:
        """Tasks that were not done."""
        return self.planned - len(self.judgments)

    @property
    def calls(self) -> int:
        """Calls of the judging model, answered or not; retries of one count once."""
        return sum(not one.cached for one in self.judgments)

    @property
    def cached(self) -> int:
        """Judgments that needed no call."""
        return len(self.judgments) - self.calls

    @property
    def input_tokens(self) -> int:
        """Tokens read in this run."""
        return sum(one.input_tokens for one in self.judgments if not one.cached)

    @property
    def output_tokens(self) -> int:
        """Tokens written in this run."""
        return sum(one.output_tokens for one in self.judgments if not one.cached)

    @property
    def cost(self) -> float:
        """What this run cost, by the use case's prices."""
        return sum(one.cost for one in self.judgments if not one.cached)

    @property
    def seconds(self) -> float:
        """The time of all calls, one after the other."""
        return sum(one.seconds for one in self.judgments if not one.cached)

    @property
    def error_share(self) -> float:
        """The share of judgments without a verdict; 1 if something was planned and nothing judged."""
        if not self.judgments:
            return float(self.planned > 0)
        return sum(one.state != "scored" for one in self.judgments) / len(self.judgments)

    def counts(self, judge: JudgeName | None = None) -> dict[State, int]:
        """How many judgments there are in each state, of one judge or of all."""
        found = Counter(one.state for one in self.judgments if judge in (None, one.judge))
        return {state: found[state] for state in STATES if found[state] or state == "scored"}
