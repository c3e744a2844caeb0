"""Answers on the evaluation set, by checks that need no judge: one row per question, so that two chains can be paired.

A check is NaN where it does not apply, and a question whose answer failed has an error instead of values, so that
nothing disappears from a mean unnoticed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragops.answers.chain.types import Answer
from ragops.answers.llms.providers.extractive import terms
from ragops.errors import UserError
from ragops.quality.evaluation.bootstrap import Interval, interval
from ragops.quality.questions import Question, holds_anchor

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
        )


@dataclass(frozen=True)
class Row:
    """One question's result: `values` by check, NaN where it does not apply; `error` says why there is no answer.

    `fallback` is the model that answered instead of the evaluated one, which is an error; "" if none did.
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

    def as_dict(self) -> dict[str, Any]:
        """The row as a flat record, for a table in MLflow."""
        return {
            "question_id": self.question_id,
            "cluster": self.cluster,
            "question": self.question,
            "answer": self.answer,
            "cited": list(self.cited),
            SECONDS: self.seconds,
            "error": self.error,
            "fallback": self.fallback,
            **self.values,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Row:
        """The inverse of `as_dict`."""
        values = {name: float("nan") if record.get(name) is None else float(record[name]) for name in CHECKS}
        same = ("question_id", "cluster", "question", "answer", SECONDS, "error")
        fallback = record.get("fallback") or ""  # rows of earlier versions have no such field
        return cls(
            values=values, cited=tuple(record["cited"]), fallback=fallback, **{name: record[name] for name in same}
        )


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
    paths = tuple(path for path, _ in answer.cited)
    values = nothing | check_answer(question, answer)
    return Row(
        question.question_id, question.cluster, question.question, answer.text, paths, values, answer.seconds, None
    )


def check_answer(question: Question, answer: Outcome) -> dict[str, float]:
    """The values of those checks that apply to one answer."""
    values: dict[str, float] = {}
    if question.answerable:
        supported = any(holds_anchor(text, question.anchor or "") for _, text in answer.cited)
        values = {"answered": float(not answer.abstained), "supported": float(supported)}
    else:
        values = {"abstained": float(answer.abstained)}
    if written := answer.valid_citations + answer.removed_citations:
        values["citation_validity"] = answer.valid_citations / written
    if not answer.abstained:
        values |= {"lexical_support": _lexical_support(answer), "own_words": float(not answer.quoted)}
    return values


def _lexical_support(answer: Outcome) -> float:
    """The share of the answer's content words that occur in any cited passage."""
    known = {term for _, text in answer.cited for term in terms(text)}
    words = [term for term in terms(answer.text) if not term.isdigit()]
    return sum(word in known for word in words) / len(words) if words else 0.0


def summarize(rows: Sequence[Row]) -> dict[str, Interval]:
    """Mean and interval of each check over the questions that it applies to, and of the seconds."""
    return {name: _interval(rows, [row.values[name] for row in rows]) for name in CHECKS} | {
        SECONDS: _interval(rows, [row.seconds for row in rows])
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
    return {name: _interval(own, [a.values[name] - b.values[name] for a, b in paired]) for name in DECISIVE}


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


def _interval(rows: Sequence[Row], values: Sequence[float]) -> Interval:
    given = np.array(values, np.float64)
    known = ~np.isnan(given)
    return interval(given[known], [row.cluster for row, applies in zip(rows, known, strict=True) if applies])
