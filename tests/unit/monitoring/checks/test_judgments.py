"""Checks of judged quality and of the judges."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ragops.monitoring.checks.judgments import JUDGE_DRIFT, JUDGMENTS
from ragops.monitoring.finding import Change
from tests.support.monitored import NOW, Use, a_clean_system, an_empty_system, changed, findings, is_recent, some

SYSTEM = a_clean_system(2, Use(people=80, judged=0.4))
RECENT = is_recent(SYSTEM.judgments)
GROUNDED = SYSTEM.judgments["judge"] == "groundedness"


def test_a_clean_system_and_an_empty_one_are_silent() -> None:
    assert findings(SYSTEM, JUDGMENTS, JUDGE_DRIFT) == {}
    assert findings(an_empty_system(), JUDGMENTS, JUDGE_DRIFT) == {}


def test_worse_answers_by_one_judge() -> None:
    worse = some(RECENT & GROUNDED, 0.7)
    one = findings(changed(SYSTEM, "judgments", worse, score=0.0), JUDGMENTS)["answers_judged"]
    assert one.subject == "groundedness" and one.value is not None and one.value < 0.5


def test_another_judge_is_said_and_not_taken_for_other_quality() -> None:
    after = is_recent(SYSTEM.judgments, 12, "judged_at") & GROUNDED
    system = changed(SYSTEM, "judgments", after, judge_version="ffff0000", model="mild", score=0.0)
    found = findings(system, JUDGMENTS)
    assert set(found) == {"judge_swapped"}
    one = found["judge_swapped"]
    assert (one.subject, one.cause) == ("groundedness", "judge groundedness changed: from model judge to mild")
    assert one.since == system.judgments.loc[after, "judged_at"].min()


def test_a_judge_whose_settings_were_changed() -> None:
    after = is_recent(SYSTEM.judgments, 12, "judged_at") & GROUNDED
    system = changed(SYSTEM, "judgments", after, judge_version="ffff0000")
    assert "its model behind the same name" in (findings(system, JUDGMENTS)["judge_swapped"].cause or "")
    itself = Change(NOW - timedelta(hours=12), "judge", "groundedness", "judge abcd1234", "judge ffff0000")
    served = Change(NOW - timedelta(hours=13), "judge", "judge", "gpt-large", "gpt-small")
    before = Change(NOW - timedelta(days=40), "judge", "groundedness", "a", "b")
    found = findings(replace(system, changes=(itself, served, before)), JUDGMENTS)["judge_swapped"]
    assert found.cause == "judge judge changed from gpt-large to gpt-small, at 2026-11-29 20:00 UTC"


def test_a_judge_without_verdicts() -> None:
    states = some(is_recent(SYSTEM.judgments, time="judged_at") & GROUNDED, 0.5)
    one = findings(changed(SYSTEM, "judgments", states, state="error"), JUDGMENTS)["judge_errors"]
    assert one.subject == "groundedness" and "error" in one.details


@pytest.mark.parametrize(("change", "is_found"), [(-0.4, True), (0.0, False)])
def test_the_same_answers_judged_again(change: float, is_found: bool) -> None:
    before = np.linspace(0.4, 1, 30)
    again = {"judge": "groundedness", "judge_version": "v", "model": "judge", "judged_at": pd.Timestamp(NOW)}
    rows = pd.DataFrame({"before": before, "after": before + change, "cluster": [f"q{n}" for n in range(30)]})
    found = findings(replace(SYSTEM, rejudged=rows.assign(**again)), JUDGE_DRIFT)
    assert ("judge_drift" in found) == is_found
