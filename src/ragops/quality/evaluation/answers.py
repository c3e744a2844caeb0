"""Answers on the evaluation set, by checks that need no judge: one row per question, so that two chains can be paired.

A check is NaN where it does not apply, and a question whose answer failed has an error instead of values, so that
nothing disappears from a mean unnoticed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ragops.answers.chain.citations import lexical_support
from ragops.answers.chain.types import Answer
from ragops.errors import UserError
from ragops.quality.gold import is_answered_by
from ragops.quality.questions import Question
from ragops.quality.statistics.intervals import Interval, difference_interval, mean_interval, share_interval
from ragops.text import digest

CHECKS: Mapping[str, str] = {
    "answered": "answerable questions that got an answer",
    "supported": "answerable questions whose answer cites a passage that contains it",
    "abstained": "unanswerable questions that were declined",
    "citation_validity": "citations of passages that the model was given, of all it wrote",
    "lexical_support": "words of answers that occur in the passages they cite",
    "own_words": "answers in the model's words, not quoted because it cited nothing",
}
"""Name and meaning; each is a share from 0 to 1, higher is better."""
DECISIVE = ("answered", "supported", "abstained", "citation_validity")
"""The checks by which two chains are compared. The others describe how answers are written, which is a matter of taste:
quotes take all their words from the passages, and are not better for it."""
SECONDS = "seconds"
_SINCE_JUDGES = ("answer_id", "model", "trace_id", "prompt_tokens", "completion_tokens")


class Passage(NamedTuple):
    """A passage that a model was given: path and title of its document, its text, and whether the answer cites it."""

    path: str
    text: str
    cited: bool
    title: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The parts of an answer that checks use, whether it came from a chain or from a served model.

    Attributes:
        text: the answer.
        cited: path and text of each cited passage.
        abstained: whether the question was declined.
        valid_citations: citations of passages that the model was given.
        removed_citations: citations of anything else.
        model: the model that wrote it, "" if no model was called.
        quoted: whether sentences of the passages replaced a text that cited nothing.
        seconds: how long it took.
        failure: why another model than the primary one answered.
        passages: all that the model was given; empty where they are not known.
        prompt_tokens: read by the model.
        completion_tokens: written by it.
        trace_id: MLflow's trace of the answer; None without one.
    """

    text: str
    cited: tuple[tuple[str, str], ...]
    abstained: bool
    valid_citations: int
    removed_citations: int
    model: str
    quoted: bool
    seconds: float
    failure: str = ""
    passages: tuple[Passage, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    trace_id: str | None = None

    @classmethod
    def of(cls, answer: Answer) -> Outcome:
        """The outcome of the chain's own answer."""
        return cls(
            text=answer.text,
            cited=tuple((one.passage.path, one.text) for one in answer.cited),
            abstained=answer.abstained is not None,
            valid_citations=answer.valid_citations,
            removed_citations=answer.removed_citations,
            model=answer.model,
            quoted=answer.quoted,
            seconds=answer.seconds,
            failure=next(iter(answer.failed.values()), ""),
            passages=tuple(
                Passage(one.passage.path, one.text, one in answer.cited, one.passage.title) for one in answer.sources
            ),
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            trace_id=answer.trace_id,
        )


@dataclass(frozen=True)
class Row:
    """One question's result: `values` by check, NaN where it does not apply; `error` says why there is no answer.

    `fallback` is the model that answered instead of the evaluated one, which is an error; "" if none did. `passages`
    are those that the model was given, or of a stored row those that the answer cites. `answer_id` is "resp_" and 32
    hex digits of question_id, answer and passages: labels of people stay with an answer that comes again.
    """

    question_id: str
    cluster: str
    question: str
    answer: str
    cited: tuple[str, ...]
    values: Mapping[str, float]
    seconds: float
    error: str | None
    fallback: str = ""
    passages: tuple[Passage, ...] = ()
    answer_id: str = ""
    model: str = ""
    trace_id: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def declined(self) -> bool:
        """Whether the question was declined: the answer is the sentence of abstention."""
        return self.values["answered"] == 0 or self.values["abstained"] == 1

    def as_dict(self) -> dict[str, Any]:
        """The row as a flat record without passages, for a table in MLflow."""
        return {
            "question_id": self.question_id,
            "cluster": self.cluster,
            "question": self.question,
            "answer": self.answer,
            "cited": list(self.cited),
            SECONDS: self.seconds,
            "error": self.error,
            "fallback": self.fallback,
            **{name: getattr(self, name) for name in _SINCE_JUDGES},
            **self.values,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Row:
        """The inverse of `as_dict`; the fields that rows of earlier versions lack have their defaults."""
        values = {name: float("nan") if record.get(name) is None else float(record[name]) for name in CHECKS}
        same = ("question_id", "cluster", "question", "answer", SECONDS, "error")
        known = {name: record[name] for name in same}
        known |= {name: record[name] for name in ("fallback", *_SINCE_JUDGES) if record.get(name) is not None}
        passages = tuple(Passage(*one) for one in record.get("passages", ()))
        return cls(values=values, cited=tuple(record["cited"]), passages=passages, **known)


def ask_all(
    ask: Callable[[str], Outcome],
    questions: Sequence[Question],
    model: str,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """Asks each question and checks its answer.

    Args:
        ask: gives the answer to a question.
        questions: the questions, asked one after another.
        model: the evaluated model; an answer of another one is an error.
        on_progress: called after each question with the number of questions done.
    """
    rows = []
    for number, question in enumerate(questions, start=1):
        rows.append(_ask(ask, question, model))
        on_progress(number)
    return rows


def _ask(ask: Callable[[str], Outcome], question: Question, model: str) -> Row:
    nothing = dict.fromkeys(CHECKS, float("nan"))

    def failed(error: str, fallback: str = "") -> Row:
        return Row(
            question.question_id, question.cluster, question.question, "", (), nothing, float("nan"), error, fallback
        )

    try:
        answer = ask(question.question)
    except UserError as error:
        return failed(str(error))
    if answer.model not in ("", model):
        why = answer.failure or "it did not answer"
        return failed(f"{model} fell back to {answer.model}: {why}", answer.model)
    return Row(
        question.question_id,
        question.cluster,
        question.question,
        answer.text,
        cited=tuple(path for path, _ in answer.cited),
        values=nothing | check_answer(question, answer),
        seconds=answer.seconds,
        error=None,
        passages=answer.passages,
        answer_id="resp_" + digest([question.question_id, answer.text, [one.text for one in answer.passages]])[:32],
        model=answer.model,
        trace_id=answer.trace_id,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
    )


def check_answer(question: Question, answer: Outcome) -> dict[str, float]:
    """The values of those checks that apply to one answer."""
    values: dict[str, float] = {}
    if question.answerable:
        values = {"answered": float(not answer.abstained)}
        if question.has_gold:
            values["supported"] = float(any(is_answered_by(question, text, path) for path, text in answer.cited))
    else:
        values = {"abstained": float(answer.abstained)}
    if written := answer.valid_citations + answer.removed_citations:
        values["citation_validity"] = answer.valid_citations / written
    if not answer.abstained:
        support = lexical_support(answer.text, (text for _, text in answer.cited))
        values |= {"lexical_support": support, "own_words": float(not answer.quoted)}
    return values


def summarize(rows: Sequence[Row]) -> dict[str, Interval]:
    """Mean and interval of each check over the questions that it applies to, and of the seconds."""
    return {name: _interval(share_interval, rows, [row.values[name] for row in rows]) for name in CHECKS} | {
        SECONDS: _interval(mean_interval, rows, [row.seconds for row in rows])
    }


def metrics(rows: Sequence[Row]) -> dict[str, float]:
    """What a run logs: each check's mean, the number of errors, and percentiles of the seconds."""
    seconds = [row.seconds for row in rows if row.error is None]
    known = {name: found.mean for name, found in summarize(rows).items() if not math.isnan(found.mean)}
    known.pop(SECONDS, None)
    percentiles = {"seconds_p50": 50, "seconds_p95": 95}
    timed = {name: float(np.percentile(seconds, percent)) for name, percent in percentiles.items()} if seconds else {}
    counts = {"errors": sum(row.error is not None for row in rows), "fallbacks": sum(fallbacks(rows).values())}
    return known | timed | {name: float(count) for name, count in counts.items()} | {"questions": float(len(rows))}


def fallbacks(rows: Sequence[Row]) -> dict[str, int]:
    """How many answers came from a fallback, by error (which models, and why), the most frequent first."""
    return dict(Counter(row.error or "" for row in rows if row.fallback).most_common())


def reported_fallbacks(rows: Sequence[Row]) -> str:
    """The same in a few words; "" where there are none."""
    found = fallbacks(rows)
    result = f"{sum(found.values())} of {len(rows)} answers by a fallback: {next(iter(found))}" if found else ""
    return f"{result} (and {len(found) - 1} more reasons)" if len(found) > 1 else result


def error_share(rows: Sequence[Row]) -> float:
    """The share of rows with an error; 1 if there are no rows, since nothing was answered."""
    return sum(row.error is not None for row in rows) / len(rows) if rows else 1.0


def differences(rows: Sequence[Row], others: Sequence[Row]) -> dict[str, Interval]:
    """By how much the first rows are better, for each decisive check, on the questions that both answered."""
    theirs = {row.question_id: row for row in others if row.error is None}
    paired = [(row, theirs[row.question_id]) for row in rows if row.error is None and row.question_id in theirs]
    own = [row for row, _ in paired]
    return {
        name: _interval(difference_interval, own, [a.values[name] - b.values[name] for a, b in paired])
        for name in DECISIVE
    }


def sampled(questions: Sequence[Question], most: int) -> list[Question]:
    """At most `most` questions, the same ones each time, with the whole set's share of unanswerable ones."""
    if most >= len(questions):
        return list(questions)
    answerable = [one for one in questions if one.answerable]
    others = [one for one in questions if not one.answerable]
    few = max(bool(others), round(most * len(others) / len(questions)))
    return [*_spread(answerable, most - few), *_spread(others, few)]


def _spread(questions: Sequence[Question], count: int) -> Iterable[Question]:
    """Evenly spread over the whole list, which is sorted by topic."""
    return [questions[number * len(questions) // count] for number in range(count)] if count else []


def _interval(
    interval: Callable[[ArrayLike, Sequence[str]], Interval], rows: Sequence[Row], values: Sequence[float]
) -> Interval:
    """Of the values that are not NaN, one for each row."""
    given = np.array(values, np.float64)
    known = ~np.isnan(given)
    return interval(given[known], [row.cluster for row, applies in zip(rows, known, strict=True) if applies])
