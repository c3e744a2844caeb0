"""Checks of what people think."""

from dataclasses import replace

import numpy as np

from ragops.monitoring.checks.feedback import FEEDBACK
from tests.support.monitored import Use, a_clean_system, an_empty_system, changed, findings, is_recent

SYSTEM = a_clean_system(1, Use(people=80, rated=0.3))


def test_a_clean_system_an_empty_one_and_one_without_verdicts_are_silent() -> None:
    assert findings(SYSTEM, FEEDBACK) == {}
    assert findings(an_empty_system(), FEEDBACK) == {}
    assert findings(replace(SYSTEM, feedback=SYSTEM.feedback[:0]), FEEDBACK) == {}


def test_verdicts_that_turned() -> None:
    recent = is_recent(SYSTEM.feedback, time="given_at")
    turned = np.where(SYSTEM.feedback.loc[recent, "verdict"] == "down", "up", "down")
    one = findings(changed(SYSTEM, "feedback", recent, verdict=turned), FEEDBACK)["feedback_down"]
    assert one.severity == "high" and one.details.count("over") == 2 and "[" in one.details
    assert one.otherwise.startswith("nothing was changed here: feedback of ")


def test_verdicts_that_no_longer_come() -> None:
    old = SYSTEM.feedback[~is_recent(SYSTEM.feedback, time="given_at")]
    assert set(findings(replace(SYSTEM, feedback=old), FEEDBACK)) == {"feedback_rate"}
