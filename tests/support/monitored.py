"""Simulated use of a system as the monitor reads it: a clean one with people who differ, and what faults change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Measure, Profile
from ragops.monitoring.checks.decide import decide
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.answers import no_answers
from ragops.monitoring.system.records import no_traces
from ragops.monitoring.system.system import System
from ragops.monitoring.system.use import CALL_COLUMNS, FEEDBACK_COLUMNS, JUDGMENT_COLUMNS, no_rows, with_askers
from ragops.usecase import load_usecase

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
USE_CASE = load_usecase(Path(__file__).parents[2] / "usecase.yml")
SUBJECTS = ("tuple", "dictionary", "generator", "decorator", "import", "exception", "closure", "slice")
_DIMENSION = 16
_DOCUMENTS = 30
_NOT_SIMULATED = Unreadable("corpus", "not simulated")


@dataclass(frozen=True)
class Use:
    """How a clean system is used; every number is a mean over people who differ."""

    people: int = 40
    a_day: float = 4.0
    days: int = 15
    rated: float = 0.2
    judged: float = 0.2


def an_empty_system(**fields: Any) -> System:
    """A system that has answered nothing yet."""
    known: dict[str, Any] = dict.fromkeys(("documents", "history", "index", "runs"), _NOT_SIMULATED)
    known |= {
        "now": NOW,
        "use_case": USE_CASE,
        "answers": no_answers(),
        "calls": no_rows(CALL_COLUMNS),
        "feedback": no_rows(FEEDBACK_COLUMNS),
        "judgments": with_askers(no_rows(JUDGMENT_COLUMNS), no_answers()),
        "metrics": no_rows(("name", "value", "measured_at", "source", "question_set")),
        "traces": no_traces(),
    }
    return System(**(known | fields))


def a_clean_system(seed: int = 0, use: Use = Use(), **fields: Any) -> System:
    """A system on which nothing changes in two weeks and a day."""
    chance = np.random.default_rng(seed)
    answers = _answers(chance, use)
    calls = _calls(chance, answers)
    feedback = _feedback(chance, use, answers)
    judgments = with_askers(_judgments(chance, use, answers), answers)
    known = {"answers": answers, "calls": calls, "feedback": feedback, "judgments": judgments}
    return an_empty_system(**(known | {"profile": _profile(answers)} | fields))


def is_recent(frame: pd.DataFrame, hours: float = 24, time: str = "asked_at") -> pd.Series:
    """Which rows are from the last hours."""
    return frame[time] > pd.Timestamp(NOW - timedelta(hours=hours))


def changed(system: System, frame: str, rows: pd.Series, **values: Any) -> System:
    """The system with other values in some rows of a frame; a value may be a list of one per row."""
    table = getattr(system, frame).copy()
    for name, value in values.items():
        given = value if isinstance(value, list | np.ndarray | pd.Series) else [value] * int(rows.sum())
        column = table[name].astype(object)
        column[rows] = pd.Series(list(given), index=table.index[rows], dtype=object)
        table[name] = column.infer_objects() if name not in ("passages", "paths", "failed", "vector") else column
    return replace(system, **{frame: table})


def _answers(chance: np.random.Generator, use: Use) -> pd.DataFrame:
    """Times of day and weekdays as in an office; activity of people is log-normal."""
    activity = chance.lognormal(0, 0.9, use.people)
    activity *= use.a_day / activity.mean()
    days = np.array([1.0 + 0.2 * chance.standard_normal() for _ in range(use.days)]).clip(0.3)
    counts = chance.poisson(activity[:, None] * days[None])
    who = np.repeat(np.arange(use.people), counts.sum(axis=1))
    day = np.concatenate([np.repeat(np.arange(use.days), one) for one in counts])
    count = len(who)
    ago = day + np.clip(chance.normal(0.5, 0.15, count), 0.0, 0.999)
    style = chance.standard_normal((use.people, 8))  # each person's own level of everything
    interests = chance.dirichlet(np.full(len(SUBJECTS), 0.6), use.people)
    subject = np.array([chance.choice(len(SUBJECTS), p=interests[one]) for one in who])
    centers = np.random.default_rng(7).standard_normal((len(SUBJECTS), _DIMENSION)) * 2
    vectors = centers[subject] + chance.standard_normal((count, _DIMENSION))
    evidence = np.clip(0.62 + 0.05 * style[who, 0] + 0.1 * chance.standard_normal(count), 0, 1)
    abstained = np.where(evidence < 0.42, "no evidence", "")
    declined = (abstained == "") & (chance.random(count) < _share(-2.6 + 0.5 * style[who, 1]))
    abstained = np.where(declined, "the model", abstained)
    written = abstained != "no evidence"
    failed = written & (chance.random(count) < 0.02)
    valid = np.where(written & (abstained == ""), chance.poisson(1.8, count) * (chance.random(count) > 0.04), 0)
    texts = _texts(chance, subject, style[who, 2])
    documents = [
        [f"d{(7 * subject[at] + one) % _DOCUMENTS}.md" for one in chance.choice(8, 4, replace=False)]
        for at in range(count)
    ]
    seconds = np.exp(0.9 + 0.25 * style[who, 3] + 0.45 * chance.standard_normal(count))
    retrieve = np.exp(-2.3 + 0.3 * chance.standard_normal(count))
    support = np.clip(0.85 + 0.04 * style[who, 4] + 0.1 * chance.standard_normal(count), 0, 1)
    frame = pd.DataFrame(
        {
            "answer_id": [f"resp_{one:032x}" for one in chance.permutation(count)],
            "asked_at": pd.DatetimeIndex([NOW - timedelta(days=float(one)) for one in ago]),
            "who": [f"p{one}" for one in who],
            "question": texts,
            "abstained": [one or None for one in abstained],
            "model": np.where(failed, "quotes", np.where(written, "served", "")),
            "prompt": "cite_or_abstain@1f2e3d4c",
            "chain_name": "help",
            "chain_version": "3",
            "generation": "g-000004",
            "passages": [[f"{one}#1" for one in paths] for paths in documents],
            "paths": documents,
            "trace_id": [f"tr-{one:032x}" for one in range(count)],
            "seconds": seconds + retrieve,
            "groups": [["docs"] if one % 2 else ["sales"] for one in who],
            "evidence": evidence,
            "similarities": [[one] for one in evidence],
            "support": np.where(abstained == "", support, np.nan),
            "valid_citations": np.where(written, valid, np.nan),
            "removed_citations": np.where(written, (chance.random(count) < 0.02).astype(float), np.nan),
            "quoted": valid == 0,
            "failed": [["served"] if one else [] for one in failed],
            "queue_seconds": chance.exponential(0.02, count),
            "rewrite_seconds": np.nan,
            "retrieve_seconds": retrieve,
            "generate_seconds": np.where(written, seconds, np.nan),
            "check_seconds": 0.002,
            "language": "en",
            "vector": list(vectors.astype(np.float32)),
        }
    )
    return frame.sort_values("asked_at", ignore_index=True)


def _share(value: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-value))
    return found


def _texts(chance: np.random.Generator, subject: np.ndarray, style: np.ndarray) -> list[str]:
    fillers = ("exactly", "in", "python", "when", "the", "interpreter", "is", "run", "as", "a", "program", "twice")
    found = []
    for one, own in zip(subject, style, strict=True):
        words = chance.choice(fillers, max(2, int(5 + 2 * own + 2 * chance.standard_normal())))
        found.append(f"How does a {SUBJECTS[one]} work {' '.join(words)} {int(chance.integers(400))}?")
    return found


def _calls(chance: np.random.Generator, answers: pd.DataFrame) -> pd.DataFrame:
    asked = answers[answers["model"] != ""].reset_index(drop=True)
    count = len(asked)
    read, written = chance.normal(1700, 250, count).clip(200).round(), chance.lognormal(4.4, 0.5, count).round() + 1
    by_fallback = asked["model"] == "quotes"
    return pd.DataFrame(
        {
            "call_id": [f"{one:032x}" for one in range(count)],
            "called_at": asked["asked_at"] + pd.Timedelta(seconds=0.1),
            "who": asked["who"],
            "purpose": "ask",
            "model": asked["model"],
            "provider": np.where(by_fallback, "extractive", "openai_compatible"),
            "prompt_name": "cite_or_abstain",
            "prompt_version": "1f2e3d4c",
            "prompt_tokens": np.where(by_fallback, 0, read),
            "completion_tokens": np.where(by_fallback, 0, written),
            "cost": np.where(by_fallback, 0.0, (0.5 * read + 1.5 * written) / 1e6),
            "seconds": np.where(by_fallback, 0.02, asked["generate_seconds"]),
            "attempts": 1,
            "cached": False,
            "outcome": "answered",
            "error": None,
            "finish_reason": "stop",
            "fallback_of": np.where(by_fallback, "served", None),
            "fallback_reason": np.where(by_fallback, "HTTP 503", None),
            "trace_id": asked["trace_id"],
        }
    )


def _feedback(chance: np.random.Generator, use: Use, answers: pd.DataFrame) -> pd.DataFrame:
    people = answers["who"].str[1:].astype(int).to_numpy()
    rates = chance.beta(0.8, 0.8 / use.rated - 0.8, use.people)
    pleased = chance.normal(1.2, 0.6, use.people)
    rated = answers[chance.random(len(answers)) < rates[people]]
    count = len(rated)
    down = chance.random(count) > _share(pleased[rated["who"].str[1:].astype(int).to_numpy()])
    return pd.DataFrame(
        {
            "verdict_id": [f"{one:032x}" for one in range(count)],
            "answer_id": rated["answer_id"].to_numpy(),
            "verdict": np.where(down, "down", "up"),
            "reason": np.where(down, "wrong", None),
            "who": rated["who"].to_numpy(),
            "given_at": (rated["asked_at"] + pd.to_timedelta(chance.exponential(60, count), unit="s")).to_list(),
            "question": rated["question"].to_numpy(),
            "passages": rated["passages"].to_numpy(),
        }
    )


def _judgments(chance: np.random.Generator, use: Use, answers: pd.DataFrame) -> pd.DataFrame:
    judged = answers[(answers["abstained"].isna()) & (chance.random(len(answers)) < use.judged)]
    count = len(judged)
    parts = []
    for judge in ("groundedness", "answer_relevance"):
        score = chance.choice([0.0, 0.5, 1.0], count, p=[0.05, 0.15, 0.8])
        parts.append(
            pd.DataFrame(
                {
                    "judgment_id": [f"{judge}{one}" for one in range(count)],
                    "inputs": [f"{judge}{one}" for one in range(count)],
                    "answer_id": judged["answer_id"].to_numpy(),
                    "question_id": None,
                    "question": judged["question"].to_numpy(),
                    "cluster": judged["question"].str.casefold().to_numpy(),
                    "judge": judge,
                    "judge_version": "abcd1234",
                    "model": "judge",
                    "state": np.where(chance.random(count) < 0.02, "unparsed", "scored"),
                    "verdict": "yes",
                    "score": score,
                    "input_tokens": 1800,
                    "output_tokens": 100,
                    "cost": 0.0003,
                    "seconds": 2.0,
                    "cached": False,
                    "judged_at": judged["asked_at"].dt.ceil("6h").clip(upper=pd.Timestamp(NOW)).to_list(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _profile(answers: pd.DataFrame) -> Profile:
    before = answers[~is_recent(answers)]
    evidence = before["evidence"].astype(float)
    profile = Profile(NOW - timedelta(days=10))
    profile.add(
        [
            Measure(Measures.QUESTIONS_COUNT, "all", len(before)),
            Measure(Measures.QUESTIONS_CLOSE_FROM, "all", 0.5),
            Measure(Measures.QUESTIONS_FAR_SHARE, "all", float((evidence < 0.5).mean())),
            *(Measure(Measures.QUESTIONS_CLUSTER, f"{one}, work, does", 100.0) for one in SUBJECTS),
        ]
    )
    return profile


def findings(system: System, *topics: Topic) -> dict[str, Found]:
    """What these topics find in the system, by check; the last one of several with the same check."""
    return {one.check: one for one in decide([one for topic in topics for one in topic.check(system)])}


@cache
def clean() -> System:
    """A clean system, made once."""
    return a_clean_system()


def some(rows: pd.Series, share: float) -> pd.Series:
    """A share of the given rows, spread evenly."""
    numbers = np.cumsum(rows.to_numpy())
    return rows & (np.floor(numbers * share) > np.floor((numbers - 1) * share))
