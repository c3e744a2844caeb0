"""What is judged: which judges apply to which answers, in which order, and within how many calls an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.judge import Judge
from ragops.text import digest
from ragops.usecase.evaluation import JudgeName

CALLS_PER_ANSWER = 3.2
"""The most calls an answer, on average over a run. Three judges need no reference; `correctness` gets what is left:
with a reference for each answer, it judges a fifth of them, and more where abstentions need fewer calls."""
LEFT_OUT = f"left out: {CALLS_PER_ANSWER} calls an answer"
"""Why a correct reference may not be compared with."""


@dataclass(frozen=True, slots=True)
class Task:
    """One judgment to make; `inputs` is what an earlier one of the same inputs is found by."""

    judge: Judge
    item: AnswerToJudge
    inputs: str

    @property
    def judgment_id(self) -> str:
        """The id of the judgment's row."""
        return digest([self.inputs, self.item.answer_id])


@dataclass(frozen=True)
class Plan:
    """The judgments of a run.

    Attributes:
        tasks: in an order that has nothing to do with that of the answers, so that what is judged before a budget ends
            is a sample of all; all judgments of an answer follow each other.
        not_applicable: how many answers each judge has nothing to judge in, by reason.
    """

    tasks: tuple[Task, ...]
    not_applicable: Mapping[JudgeName, Mapping[str, int]]

    @property
    def groups(self) -> list[list[Task]]:
        """The tasks by their inputs: those with equal ones need one call."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks:
            found.setdefault(task.inputs, []).append(task)
        return list(found.values())


def plan(items: Sequence[AnswerToJudge], judges: Sequence[Judge]) -> Plan:
    """The judgments of these answers. The same answers and judges give the same plan."""
    ordered = sorted(items, key=lambda item: digest([item.question, item.answer_id]))
    left_out = _left_out(ordered, judges)
    tasks: dict[str, Task] = {}  # an answer that is given twice is judged once
    reasons: dict[JudgeName, Counter[str]] = {judge.name: Counter() for judge in judges}
    for number, item in enumerate(ordered):
        for judge in judges:
            reason = judge.why_not(item) or (LEFT_OUT if (judge.name, number) in left_out else "")
            if reason:
                reasons[judge.name][reason] += 1
            else:
                task = Task(judge, item, judge.inputs(item))
                tasks[task.judgment_id] = task
    return Plan(tuple(tasks.values()), reasons)


def _left_out(ordered: Sequence[AnswerToJudge], judges: Sequence[Judge]) -> set[tuple[JudgeName, int]]:
    """Which answers, by number, `correctness` does not judge, so that the calls stay within the limit."""
    calls = sum(not judge.why_not(item) for judge in judges if judge.name != "correctness" for item in ordered)
    left = int(CALLS_PER_ANSWER * len(ordered)) - calls
    return {("correctness", number) for number in list(_compared(ordered, judges))[max(0, left) :]}


def _compared(ordered: Sequence[AnswerToJudge], judges: Sequence[Judge]) -> Iterator[int]:
    """The answers that can be compared with a reference, those of the same questions first in each run."""
    able = [judge for judge in judges if judge.name == "correctness"]
    numbers = [number for number, item in enumerate(ordered) if any(not judge.why_not(item) for judge in able)]
    yield from sorted(numbers, key=lambda number: digest(ordered[number].question))
