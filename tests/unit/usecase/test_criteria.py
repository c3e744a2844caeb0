"""Criteria: a measure of the catalogue with the limit that fits it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.errors import explain
from ragops.usecase import MEASURES, Criterion
from ragops.usecase.criteria import ServiceLevels

VALUES = st.floats(0, 1)


def criterion(measure: str, value: float) -> Criterion:
    return Criterion.model_validate({"measure": measure, MEASURES[measure].better: value, "why": "so"})


@given(st.sampled_from(sorted(MEASURES)), VALUES, VALUES, VALUES)
def test_a_better_value_never_turns_met_into_not_met(name: str, limit: float, one: float, other: float) -> None:
    tested = criterion(name, limit)
    worse, better = sorted((one, other), reverse=MEASURES[name].better == "at_most")
    assert tested.is_met_by(better) or not tested.is_met_by(worse)
    assert tested.is_met_by(limit)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (
            {"measure": "recal_at_5", "at_least": 0.5},
            "measure is 'recal_at_5': nothing measures it; did you",
        ),
        ({"measure": "happiness", "at_least": 0.5}, "nothing measures it; choose one of: coverage, "),
        (
            {"measure": "recall_at_5", "at_least": 75},
            "at_least is 75: recall_at_5 is a share",
        ),
        ({"measure": "recall_at_5", "at_most": 0.5}, "at_most is 0.5: recall_at_5 is better higher; give at_least"),
        ({"measure": "seconds_p95", "at_least": 3}, "at_least is 3: seconds_p95 is better lower; give at_most"),
        ({"measure": "recall_at_5"}, "recall_at_5 has no limit; give at_least"),
        ({"measure": "recall_at_5", "at_least": True}, "at_least is True"),
        ({"measure": "recall_at_5", "at_least": "0.5"}, "at_least is '0.5'"),
        ({"measure": "recall_at_5", "at_least": float("nan")}, "at_least is nan"),
        ({"measure": "seconds_p95", "at_most": float("inf")}, "at_most is inf"),
        ({"measure": "seconds_p95", "at_most": -1}, "at_most is -1"),
        ({"measure": 5, "at_least": 0.5}, "measure is 5"),
    ],
)
def test_an_invalid_criterion_is_explained(given_: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Criterion.model_validate(given_ | {"why": "so"})
    line = explain(raised.value.errors())
    assert message in line and "\n" not in line


def test_a_limit_is_shown_with_its_unit() -> None:
    shown = {name: criterion(name, 0.5).required for name in ("mrr", "seconds_p95", "live_answer_cost")}
    assert shown == {"mrr": ">= 0.500", "seconds_p95": "<= 0.5 s", "live_answer_cost": "<= 0.5000"}


def test_service_levels_are_criteria() -> None:
    levels = ServiceLevels(freshness_minutes=60, search_p95_ms=300, refresh_minutes=30)
    assert {one.measure: one.at_most for one in levels.criteria} == levels.model_dump()
