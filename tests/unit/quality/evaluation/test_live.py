"""What users experienced, from plain frames."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from ragops.quality.criteria.rows import Metric
from ragops.quality.evaluation.live import Use, use_metrics

DAY = datetime(2026, 11, 30, tzinfo=UTC)


def at(*minutes: int) -> list[pd.Timestamp]:
    return [pd.Timestamp(DAY) + pd.Timedelta(minutes=one) for one in minutes]


@pytest.fixture
def use() -> Use:
    answers = pd.DataFrame(
        {
            "who": ["ann", "ann", "bob", "cleo"],
            "asked_at": at(5, 20, 50, 70),
            "seconds": [1.0, 2.0, 3.0, 10.0],
            "chain": ["chain/1"] * 4,
            "generation": ["g-1", "g-1", "g-1", "g-2"],
        },
        index=pd.Index(["a", "b", "c", "d"], name="answer_id"),
    )
    verdicts = pd.DataFrame(
        {"answer_id": ["a", "a", "c"], "who": ["ann", "bob", "bob"], "verdict": ["up", "down", "up"],
         "given_at": at(6, 90, 60)}
    )  # fmt: skip
    calls = pd.DataFrame(
        {"purpose": ["ask", "rewrite", "ask", "ask"], "outcome": ["answered", "answered", "failed", "answered"],
         "who": ["ann", "ann", "bob", "bob"], "called_at": at(5, 5, 50, 51), "cost": [0.01, 0.002, 0.002, 0.03]}
    )  # fmt: skip
    return Use(answers, verdicts, calls)


def by_name(use: Use) -> dict[str, Metric]:
    return {one.name: one for one in use_metrics(use)}


def test_every_live_measure_is_taken(use: Use) -> None:
    found = by_name(use)
    values = {name: round(one.value, 4) for name, one in found.items()}
    assert values == {
        "live_seconds_p95": 8.95,
        "live_answers_per_hour": 3,
        "feedback_rate": 0.5,
        "thumbs_up": 0.6667,
        "live_answer_cost": 0.022,  # 0.04 and the 0.004 of the rewriting and the failure, over two answers
    }
    assert {name: one.n for name, one in found.items()} == {
        "live_seconds_p95": 4, "live_answers_per_hour": 4, "feedback_rate": 4, "thumbs_up": 3, "live_answer_cost": 2
    }  # fmt: skip
    assert found["feedback_rate"].clusters == 3
    assert {(one.chain, one.generation) for one in found.values()} == {("chain/1", None)}


def test_without_news_the_rows_are_the_same_and_a_late_verdict_is_news(use: Use) -> None:
    first = by_name(use)
    assert by_name(use) == first
    assert first["feedback_rate"].measured_at == DAY.replace(hour=1, minute=30)
    later = replace(use, verdicts=use.verdicts.assign(given_at=at(6, 91, 60)))
    assert by_name(later)["feedback_rate"].metric_id != first["feedback_rate"].metric_id


def test_what_nobody_did_is_not_measured(use: Use) -> None:
    silent = replace(use, verdicts=use.verdicts.head(0), calls=use.calls.head(0))
    found = by_name(silent)
    assert set(found) == {"live_seconds_p95", "live_answers_per_hour", "feedback_rate"}
    assert found["feedback_rate"].value == 0


def test_several_versions_are_named_as_such(use: Use) -> None:
    mixed = replace(use, answers=use.answers.assign(chain=["chain/1", "chain/2", "chain/2", "chain/2"]))
    assert {one.chain for one in use_metrics(mixed)} == {"several versions"}
