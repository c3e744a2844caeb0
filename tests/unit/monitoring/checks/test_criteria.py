"""Criteria that the latest values do not keep to."""

from datetime import timedelta
from typing import Any

import pandas as pd

from ragops.monitoring.checks.criteria import CRITERIA
from ragops.monitoring.finding import Found
from tests.support.found_systems import found
from tests.support.monitored import NOW


def measured(name: str, *values: float) -> pd.DataFrame:
    """Values of a measure, an hour apart, the last one an hour ago."""
    rows: list[dict[str, Any]] = [
        {"name": name, "value": value, "low": None, "high": None, "n": 60, "source": "evaluate", "question_set": None}
        | {"measured_at": NOW - (len(values) - number) * timedelta(hours=1)}
        for number, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def not_met(*values: float, name: str = "recall_at_5") -> Found | None:
    return found(CRITERIA, metrics=measured(name, *values)).get("criterion_not_met")


def test_a_criterion_that_is_met_or_not_measured_has_no_finding() -> None:
    assert not_met(0.2, 0.45) is None
    assert not_met(0.1, name="own_words") is None  # no criterion
    assert not found(CRITERIA)


def test_a_criterion_that_is_not_met_is_found_since_its_first_value_in_a_row() -> None:
    one = not_met(0.2, 0.5, 0.44, 0.40)
    assert one and (one.subject, one.value, one.expected, one.unit) == ("recall_at_5", 0.40, 0.45, "share")
    assert one.since == NOW - timedelta(hours=2)
    assert one.title == "recall_at_5 is 0.400, required >= 0.450" and "2 times in a row" in one.details
    never = not_met(0.2, 0.3)
    assert never and never.since == NOW - timedelta(hours=2)


def test_service_levels_are_criteria_with_causes_of_their_own() -> None:
    slow = not_met(80.0, name="freshness_minutes")
    assert slow and "corpus" in slow.causes and "prompt" not in slow.causes
    dear = not_met(0.5, name="live_answer_cost")
    assert dear and dear.causes[0] == "price"
