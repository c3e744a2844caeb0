"""The rows that a simulated world leaves in the tables: answers, calls of models, feedback and judgments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

import numpy as np
from pydantic import BaseModel

from ragops.answers.llms.ledger.calls import CallRow
from ragops.quality.feedback.rows import AnswerRow, FeedbackRow, answer_row
from ragops.quality.judges.rows import Judgment
from ragops.usecase.evaluation import JudgeName
from tests.sabotage.world import Event, Recorded, Service, World, events

CHAIN = ("python-reference", "3")
QUOTES = "quotes"
JUDGED = 0.15
"""Share of the answers to people that are judged, a little more than the use case's."""
JUDGING_HOURS = 6
"""The judging job runs this often."""
_FAILURES = ("HTTP 429", "HTTP 503", "no answer in time")
_DECLINED = "I could not find this in the documents."


@dataclass
class Traffic:
    """Rows by table."""

    answers: list[AnswerRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    feedback: list[FeedbackRow] = field(default_factory=list)
    judgments: list[Judgment] = field(default_factory=list)

    def of(self, table: str) -> Sequence[BaseModel]:
        """The rows of a table by its name in the workspace."""
        return cast("dict[str, Sequence[BaseModel]]", {"llm_calls": self.calls, **self.__dict__})[table]


def traffic(world: World) -> Traffic:
    """Everything that happened in the world's last weeks; the same for the same seed."""
    chance = np.random.default_rng([world.seed, 1])
    made = Traffic()
    for number, event in enumerate(events(world, chance)):
        _answer(world, number, event, made, chance)
    made.judgments = list(_judgments(world, made, chance))
    made.calls += _judging_calls(world, made.judgments)
    return made


def _answer(world: World, number: int, event: Event, made: Traffic, chance: np.random.Generator) -> None:
    service, demand = world.at(event.at)
    recorded = service.recordings[event.recorded]
    answer_id = f"resp_{_hash(world.seed, 'answer', number)[:32]}"
    trace_id = f"tr-{_hash(world.seed, 'trace', number)[:32]}" if chance.random() < service.traced else None
    outputs, text, calls = _outcome(service, recorded, event, trace_id, chance)
    group = event.who.who.split("@")[1].split(".")[0]
    outputs |= {"trace_id": trace_id}
    queue = float(chance.exponential(0.02))
    row = answer_row(
        answer_id,
        event.text,
        text,
        outputs,
        who=event.who.who,
        asked_at=event.at,
        chain=CHAIN,
        groups=[group],
        queue_seconds=queue,
    )
    made.answers.append(row)
    made.calls += [
        CallRow(call_id=_hash(world.seed, "call", number, place), trace_id=trace_id, **call)
        for place, call in enumerate(calls)
    ]
    verdict = _verdict(row, event, demand.rating, demand.content, chance)
    if verdict and row.asked_at + timedelta(hours=2) < world.now:
        made.feedback.append(_feedback_row(row, verdict, _hash(world.seed, "verdict", number), chance))


def _outcome(
    service: Service, recorded: Recorded, event: Event, trace_id: str | None, chance: np.random.Generator
) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    """The chain's outputs with this answer's times, its text, and the calls that it took."""
    outputs: dict[str, Any] = dict(recorded.outputs)
    outputs["standalone"] = event.text
    retrieve = float(chance.lognormal(np.log(0.09), 0.35))
    steps = {"retrieve": retrieve, "prompt": 0.002, "check": float(chance.lognormal(np.log(0.004), 0.3))}
    prompt_name, _, prompt_version = str(outputs["prompt"]).partition("@")
    text, calls = recorded.answer, []
    if outputs["abstained"] != "no evidence":
        ask = {
            "who": event.who.who,
            "purpose": "ask",
            "prompt_name": prompt_name,
            "prompt_version": prompt_version,
            "attempts": 1,
        }
        seconds = float(chance.lognormal(np.log(service.seconds), 0.45))
        started = event.at + timedelta(seconds=retrieve)
        if chance.random() < service.failing:
            reason = _FAILURES[int(chance.integers(len(_FAILURES)))]
            failed = ask | {"called_at": started, "outcome": "failed", "error": "Unavailable", "seconds": seconds}
            calls.append(failed | {"model": service.served_by, "provider": "openai_compatible"})
            instead = ask | {"called_at": started + timedelta(seconds=seconds), "outcome": "answered", "seconds": 0.03}
            instead |= {"model": QUOTES, "provider": "extractive", "finish_reason": "stop"}
            calls.append(instead | {"fallback_of": service.served_by, "fallback_reason": reason})
            outputs |= {"model": QUOTES, "failed": {service.served_by: reason}}
        else:
            read = int(max(200, chance.normal(1750, 260)))
            written = int(max(8, chance.lognormal(np.log(service.tokens), 0.4)))
            cost = (read * service.million_input + written * service.million_output) / 1e6
            call = ask | {"called_at": started, "outcome": "answered", "seconds": seconds, "finish_reason": "stop"}
            call |= {"model": service.served_by, "provider": "openai_compatible", "cost": cost}
            calls.append(call | {"prompt_tokens": read, "completion_tokens": written})
            outputs |= {"model": service.served_by, "prompt_tokens": read, "completion_tokens": written}
            if outputs["abstained"] is None and chance.random() < service.declining:
                outputs |= {"abstained": "the model", "valid_citations": 0, "removed_citations": 0}
                outputs["sources"] = [{**one, "cited": False} for one in outputs["sources"]]
                text = _DECLINED
            elif outputs["abstained"] is None and outputs["valid_citations"] and chance.random() < 0.015:
                outputs["removed_citations"] = int(outputs["removed_citations"]) + 1
        steps["generate"] = seconds
    outputs |= {"step_seconds": steps, "seconds": sum(steps.values())}
    return outputs, text, calls


def _verdict(row: AnswerRow, event: Event, rating: float, content: float, chance: np.random.Generator) -> str | None:
    if chance.random() >= min(0.9, rating * event.who.rates):
        return None
    pleased = content + event.who.pleased - (0.45 if row.abstained else 0.0)
    return "up" if chance.random() < float(np.clip(pleased, 0.02, 0.98)) else "down"


def _feedback_row(row: AnswerRow, verdict: str, verdict_id: str, chance: np.random.Generator) -> FeedbackRow:
    reasons = ("wrong", "incomplete", "off_topic", "no_answer", None)
    at = row.asked_at + timedelta(seconds=row.seconds + float(chance.exponential(90)))
    shared = ("answer_id", "question", "chain_name", "chain_version", "generation", "passages", "cited", "trace_id")
    return FeedbackRow(
        verdict_id=f"{verdict_id[:8]}-{verdict_id[8:12]}-4{verdict_id[12:15]}-8{verdict_id[15:18]}-{verdict_id[18:30]}",
        verdict=cast("Any", verdict),
        reason=None if verdict == "up" else reasons[int(chance.integers(len(reasons)))],
        comment=None,
        who=row.who,
        given_at=at,
        known_answer=True,
        traced_at=at,
        **{name: getattr(row, name) for name in shared},
    )


def _judgments(world: World, made: Traffic, chance: np.random.Generator) -> Iterator[Judgment]:
    """What the judging job found, whenever it ran, and the two evaluations of the same questions in these weeks."""
    runs: dict[datetime, list[AnswerRow]] = defaultdict(list)
    for row in made.answers:
        if int(row.answer_id[5:13], 16) / 2**32 < JUDGED:
            late = (world.now - row.asked_at) // timedelta(hours=JUDGING_HOURS)
            runs[world.now - late * timedelta(hours=JUDGING_HOURS) - timedelta(minutes=20)].append(row)
    for moment, rows in sorted(runs.items()):
        for row in rows:
            if row.asked_at < moment:
                yield from _judged(world, row, moment, None, chance)
    yield from _evaluations(world, chance)


def _judged(
    world: World, row: AnswerRow, moment: datetime, question_id: str | None, chance: np.random.Generator
) -> Iterator[Judgment]:
    service, _ = world.at(row.asked_at)
    judge, version = world.at(moment)[0].judge
    for name, mean in service.quality.items():
        if row.abstained and name != "context_relevance":
            continue
        score = _score(mean + world.at(moment)[0].lenience, chance)
        yield Judgment(
            judgment_id=_hash(version, name, row.answer_id),
            inputs=_hash(version, name, row.question, row.answer),
            answer_id=row.answer_id,
            question_id=question_id,
            question=row.standalone,
            cluster=question_id or row.standalone.strip().casefold(),
            judge=cast("JudgeName", name),
            judge_version=_hash(name, version)[:12],
            model=judge,
            state="scored",
            verdict="yes" if score > 0.75 else "partly" if score > 0.25 else "no",
            score=score,
            reason="",
            details=None,
            input_tokens=1900,
            output_tokens=140,
            estimated_tokens=1950,
            cost=(1900 * 0.15 + 140 * 0.60) / 1e6,
            seconds=float(chance.lognormal(np.log(3.0), 0.3)),
            judged_at=moment,
            trace_id=row.trace_id,
        )


def _score(mean: float, chance: np.random.Generator) -> float:
    """Mostly yes or no, sometimes partly, with this mean."""
    mean = float(np.clip(mean, 0.02, 0.98))
    if chance.random() < 0.2:
        return 0.5
    return float(chance.random() < np.clip((mean - 0.1) / 0.8, 0, 1))


def _evaluations(world: World, chance: np.random.Generator) -> Iterator[Judgment]:
    """The evaluation questions' answers: each is judged once by a version of a judge, and again by the next version."""
    seen: set[str] = set()
    for back in range(20, -1, -2):
        moment = world.now - timedelta(days=back, minutes=90)
        service, _ = world.at(moment)
        for number, one in enumerate(service.recordings[:40]):
            row = _evaluation_row(one, moment, number)
            for found in _judged(world, row, moment, f"q{number}", chance):
                if found.judgment_id not in seen:
                    seen.add(found.judgment_id)
                    yield found


def _evaluation_row(one: Recorded, moment: datetime, number: int) -> AnswerRow:
    outputs = {**one.outputs, "trace_id": None, "seconds": 2.0}
    answer_id = f"resp_{_hash(number, one.answer)[:32]}"
    return answer_row(answer_id, one.question, one.answer, outputs, who="evaluation", asked_at=moment, chain=CHAIN)


def _judging_calls(world: World, judgments: Iterable[Judgment]) -> Iterator[CallRow]:
    for one in judgments:
        yield CallRow(
            call_id=_hash(world.seed, "judge", one.judgment_id),
            called_at=one.judged_at,
            who="evaluation",
            purpose="judge",
            model=one.model,
            provider="openai_compatible",
            prompt_name=one.judge,
            prompt_version=one.judge_version[:8],
            prompt_tokens=one.input_tokens,
            completion_tokens=one.output_tokens,
            cost=one.cost,
            seconds=one.seconds,
            attempts=1,
            outcome="answered",
            finish_reason="stop",
            trace_id=None,
        )


def _hash(*parts: object) -> str:
    return sha256("|".join(map(str, parts)).encode()).hexdigest()


def by_model(rows: Iterable[CallRow]) -> Mapping[str, int]:
    """How many calls each model had, for messages."""
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.model] += 1
    return counts
