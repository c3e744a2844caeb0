"""What judging these answers will cost, without a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.judge import Judge
from ragops.quality.judges.plan import Task, plan
from ragops.quality.judges.rows import Judgment

# Tokens that judges write where nothing is known of the model: a sentence as reason with the object around it, and a
# field for each verdict. A prompt with passages has some 2,000 tokens, so an error here is a small part of the bill.
_REASON_TOKENS, _VERDICT_TOKENS = 40, 6


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will need.

    Attributes:
        calls: of the judging model.
        cached: judgments that need none.
        input_tokens: to be read.
        output_tokens: to be written.
        cost: by the use case's prices; None if the model is paid by the second, and its speed is not known yet.
        answers: how many answers are judged.
        learned: whether earlier judgments of the model were there to learn from.
    """

    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    answers: int
    learned: bool

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class _Habits:
    """How a model counts and writes: tokens for each one that we expect, and seconds for a call; None if not known."""

    read: float = 1.0
    written: float = 1.0
    written_by: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None

    def output(self, task: Task) -> float:
        """Tokens of the reply."""
        return expected_output(task.judge.parts(task.item)) * self.written_by.get(task.judge.name, self.written)


def forecast(
    items: Sequence[AnswerToJudge],
    judges: Judges,
    known: Mapping[str, Judgment] | None = None,
    past: Iterable[Judgment] = (),
) -> Forecast:
    """What `judge_all` will need for these answers.

    Args:
        items: the answers.
        judges: who judges them.
        known: earlier judgments by their `inputs`, as for `judge_all`.
        past: earlier judgments of any answers, to learn from how the model counts and writes.
    """
    planned = plan(items, judges.judges)
    reusable = {inputs for inputs, one in (known or {}).items() if one.state != "error"}
    calls = [group[0] for group in planned.groups if group[0].inputs not in reusable]
    habits = _habits(judges.judges, list(past))
    read = sum(judges.estimated_tokens(judges.request(task)) for task in calls) * habits.read
    written = sum(map(habits.output, calls))
    return Forecast(
        calls=len(calls),
        cached=len(planned.tasks) - len(calls),
        input_tokens=round(read),
        output_tokens=round(written),
        cost=_cost(calls, read, written, habits.seconds),
        answers=len({task.item.answer_id for task in planned.tasks}),
        learned=habits.seconds is not None,
    )


def expected_output(parts: int | None) -> int:
    """Tokens of a reply with a verdict for each part, where nothing is known of the model."""
    return _REASON_TOKENS + _VERDICT_TOKENS * (parts or 1)


def _habits(judges: Sequence[Judge], past: Sequence[Judgment]) -> _Habits:
    """From judgments that one of these judges' models has made: a call that failed says nothing."""
    models = {judge.model.name for judge in judges}
    made = [one for one in past if one.model in models and not one.cached and one.input_tokens and one.output_tokens]
    if not made:
        return _Habits()
    estimated = sum(one.estimated_tokens for one in made)
    return _Habits(
        sum(one.input_tokens for one in made) / estimated if estimated else 1.0,
        _written(made),
        {name: _written([one for one in made if one.judge == name]) for name in {one.judge for one in made}},
        sum(one.seconds for one in made) / len(made),
    )


def _written(made: Sequence[Judgment]) -> float:
    return sum(one.output_tokens for one in made) / sum(expected_output(_parts(one)) for one in made)


def _parts(judgment: Judgment) -> int | None:
    return None if judgment.details is None else judgment.details.count(",") + 1


def _cost(calls: Sequence[Task], read: float, written: float, seconds: float | None) -> float | None:
    if not calls:
        return 0.0
    model = calls[0].judge.model
    tokens = (read * model.price_per_million_input + written * model.price_per_million_output) / 1e6
    if not model.price_per_second:
        return tokens
    return None if seconds is None else tokens + seconds * len(calls) * model.price_per_second
