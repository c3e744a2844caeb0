"""The catalogue of measures: everything that a criterion may name, with its unit and what measures it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from ragops.usecase.evaluation import JUDGES

Source = Literal[
    "evaluate retrieval",
    "evaluate answers",
    "judges run",
    "evaluate",
    "release",
    "refresh",
    "collect_calls",
    "answer_batch",
]
"""What measures: commands of ragops by their two words, jobs of the bundle by their one."""
SOURCES: tuple[Source, ...] = get_args(Source)
Direction = Literal["at_least", "at_most"]
Unit = Literal["share", "ms", "s", "min", "h", "per hour", "per min", "money", "number"]
"""Shares are from 0 to 1; money is in the currency of the models' prices."""

_DIGITS: dict[Unit, str] = {
    "share": ".3f",
    "ms": ".0f",
    "s": ".1f",
    "min": ".1f",
    "h": ".2f",
    "money": ".4f",
    "number": ".0f",
}
_SUFFIXES: dict[Unit, str] = {"ms": " ms", "s": " s", "min": " min", "h": " h", "per hour": " /h", "per min": " /min"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        name: as criteria, tables and reports name it.
        meaning: what is measured.
        unit: of its values.
        better: which end a criterion sets: a minimum or a maximum.
        sources: what measures it.
        count: what it is measured over: questions, answers, documents ...
    """

    name: str
    meaning: str
    unit: Unit
    better: Direction
    sources: tuple[Source, ...]
    count: str = "questions"

    @property
    def gates(self) -> bool:
        """Whether a release measures it, so that the gate can require it."""
        return "release" in self.sources

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:{_DIGITS.get(self.unit, '.3g')}}{_SUFFIXES.get(self.unit, '')}"


def described(sources: Iterable[str]) -> str:
    """What measures, in a line, for example: ragops evaluate answers, job evaluate or job release."""
    *others, last = (f"ragops {source}" if " " in source else f"job {source}" for source in sources)
    return f"{', '.join(others)} or {last}" if others else last


_RETRIEVAL: tuple[Source, ...] = ("evaluate retrieval", "evaluate", "release")
_ANSWERS: tuple[Source, ...] = ("evaluate answers", "evaluate", "release")
_JUDGED: tuple[Source, ...] = ("judges run", "evaluate", "release")
_LIVE: tuple[Source, ...] = ("collect_calls",)
_JUDGED_MEANINGS = {
    "context_relevance": "how relevant the passages are to the question",
    "groundedness": "how much of the answer the passages say",
    "answer_relevance": "how well the answer addresses the question",
    "correctness": "how well the answer agrees with the reference answer",
}


def _share(name: str, meaning: str, sources: tuple[Source, ...], count: str = "questions") -> Measure:
    return Measure(name, meaning, "share", "at_least", sources, count)


_ALL = (
    _share("coverage", "questions whose answer is in the context that a model gets", _RETRIEVAL),
    _share("recall_at_1", "questions whose answer is in the first passage", _RETRIEVAL),
    _share("recall_at_5", "questions whose answer is in the first 5 passages", _RETRIEVAL),
    _share("recall_at_10", "questions whose answer is in the first 10 passages", _RETRIEVAL),
    _share("mrr", "reciprocal rank of the first passage with the answer", _RETRIEVAL),
    _share("ndcg_at_10", "discounted gain of the first 10 passages", _RETRIEVAL),
    Measure("search_p95_ms", "95th percentile of a search, encoding included", "ms", "at_most", _RETRIEVAL),
    _share("answered", "answerable questions that got an answer", _ANSWERS),
    _share("abstained", "unanswerable questions that were declined", _ANSWERS),
    _share("supported", "answerable questions whose answer cites a passage that contains it", _ANSWERS),
    _share("citation_validity", "citations of passages that the model was given", _ANSWERS),
    _share("lexical_support", "words of answers that occur in the passages they cite", _ANSWERS),
    _share("own_words", "answers in the model's words, not quoted", _ANSWERS),
    Measure("questions", "evaluation questions asked", "number", "at_least", _ANSWERS),
    Measure("errors", "questions with neither an answer nor an abstention", "number", "at_most", _ANSWERS),
    Measure("fallbacks", "answers of another model than the primary one", "number", "at_most", _ANSWERS),
    Measure("seconds_p50", "median time to an answer", "s", "at_most", _ANSWERS),
    Measure("seconds_p95", "95th percentile of the time to an answer", "s", "at_most", _ANSWERS),
    *(_share(name, _JUDGED_MEANINGS[name], _JUDGED) for name in JUDGES),
    Measure("answer_cost", "cost of the model calls for a question", "money", "at_most", _ANSWERS),
    Measure("freshness_minutes", "from a file's change to being found, the slowest", "min", "at_most", ("refresh",),
            "documents"),
    Measure("refresh_minutes", "one refresh, from start to published index", "min", "at_most", ("refresh",),
            "documents"),
    Measure("gpu_hours", "GPU hours of one task embed: GPUs that it found, times how long it used them", "h", "at_most",
            ("refresh",), "GPUs"),
    Measure("batch_answers_per_minute", "questions that a batch finished", "per min", "at_least", ("answer_batch",)),
    Measure("live_seconds_p95", "95th percentile of users' waiting", "s", "at_most", _LIVE, "answers"),
    Measure("live_answers_per_hour", "answers to users in the busiest hour", "per hour", "at_least", _LIVE, "answers"),
    Measure("live_answer_cost", "cost of the model calls for a user's answer", "money", "at_most", _LIVE, "answers"),
    _share("feedback_rate", "answers to users that somebody rated", _LIVE, "answers"),
    _share("thumbs_up", "users' verdicts that are thumbs up", _LIVE, "verdicts"),
    *(_share(f"live_{name}", f"{_JUDGED_MEANINGS[name]}, of answers to users", ("judges run", "evaluate"), "answers")
      for name in JUDGES if name != "correctness"),
)  # fmt: skip
MEASURES: dict[str, Measure] = {one.name: one for one in _ALL}
