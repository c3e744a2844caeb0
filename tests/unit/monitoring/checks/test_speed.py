"""Checks of time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ragops.monitoring.causes import likely_cause
from ragops.monitoring.checks.speed import SPEED, step_percentiles
from ragops.monitoring.finding import Change
from tests.support.monitored import NOW, an_empty_system, changed, clean, findings, is_recent

RECENT = is_recent(clean().answers)


def test_a_clean_system_an_empty_one_and_rows_of_old_versions_are_silent() -> None:
    assert findings(clean(), SPEED) == {}
    assert findings(an_empty_system(), SPEED) == {}
    steps = [f"{step}_seconds" for step in ("queue", "retrieve", "generate", "check", "rewrite")]
    assert findings(replace(clean(), answers=clean().answers.assign(**dict.fromkeys(steps))), SPEED) == {}


def test_a_slow_model_explains_slow_answers() -> None:
    calls = is_recent(clean().calls, time="called_at") & (clean().calls["model"] == "served")
    system = changed(clean(), "calls", calls, seconds=4 * clean().calls.loc[calls, "seconds"])
    system = changed(system, "answers", RECENT, seconds=4 * clean().answers.loc[RECENT, "seconds"])
    found = findings(system, SPEED)
    assert set(found) == {"model_slow"} and found["model_slow"].subject == "served"


@pytest.mark.parametrize(("step", "factor", "check"), [("retrieve", 5, "step_slow"), ("queue", 100, "queue_long")])
def test_a_slow_step(step: str, factor: float, check: str) -> None:
    slow = factor * clean().answers.loc[RECENT, f"{step}_seconds"]
    found = findings(changed(clean(), "answers", RECENT, **{f"{step}_seconds": slow}), SPEED)
    assert set(found) == {check}


def test_slow_answers_for_no_known_reason() -> None:
    slow = 3 * clean().answers.loc[RECENT, "seconds"]
    found = findings(changed(clean(), "answers", RECENT, seconds=slow), SPEED)
    assert set(found) == {"answers_slow"} and "retrieve: p50 / p95" in found["answers_slow"].details


def test_percentiles_are_by_step() -> None:
    assert [line.split(":")[0] for line in step_percentiles(clean()).splitlines()] == [
        "answer", "queue", "retrieve", "generate", "check",
    ]  # fmt: skip
    assert step_percentiles(an_empty_system()) == ""


def test_without_a_change_that_explains_it_a_model_is_slow_by_itself() -> None:
    calls = is_recent(clean().calls, time="called_at") & (clean().calls["model"] == "served")
    slow = changed(clean(), "calls", calls, seconds=4 * clean().calls.loc[calls, "seconds"])
    long_ago = Change(NOW - timedelta(days=10), "model", "served", "a", "b")
    slow = replace(slow, changes=(long_ago,))
    found = likely_cause(findings(slow, SPEED)["model_slow"], slow)
    assert found and found.text.startswith("model served takes longer by itself")
    just_before = replace(long_ago, at=NOW - timedelta(hours=24))
    slow = replace(slow, changes=(just_before, long_ago))
    found = likely_cause(findings(slow, SPEED)["model_slow"], slow)
    assert found and found.kind == "model"
