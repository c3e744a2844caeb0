"""Checks of answers: declined, citations, support, fallbacks and failed calls."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ragops.monitoring.checks.answers import ANSWERS
from ragops.monitoring.finding import Change
from ragops.monitoring.system.system import System
from tests.support.monitored import NOW, an_empty_system, changed, clean, findings, is_recent, some

RECENT = is_recent(clean().answers)
OWN = RECENT & (clean().answers["model"] != "") & clean().answers["abstained"].isna()


def test_a_clean_system_an_empty_one_and_rows_of_old_versions_are_silent() -> None:
    assert findings(clean(), ANSWERS) == {}
    assert findings(an_empty_system(), ANSWERS) == {}
    missing = dict.fromkeys(("valid_citations", "removed_citations", "support", "failed", "quoted", "evidence"))
    assert findings(replace(clean(), answers=clean().answers.assign(**missing)), ANSWERS) == {}


@pytest.mark.parametrize(
    ("check", "share", "fields"),
    [
        ("answers_declined", 0.5, {"abstained": "the model"}),
        ("answers_citations", 0.5, {"valid_citations": 1.0, "removed_citations": 2.0}),
        ("answers_uncited", 0.7, {"valid_citations": 0.0, "removed_citations": 0.0}),
        ("answers_support", 1.0, {"support": 0.4}),
        ("answers_fallback", 0.3, {"failed": [], "model": "quotes"}),
    ],
)
def test_each_fault_is_found(check: str, share: float, fields: dict[str, object]) -> None:
    rows = some(OWN, share)
    if check == "answers_fallback":
        fields = fields | {"failed": [["served"]] * int(rows.sum())}
    found = findings(changed(clean(), "answers", rows, **fields), ANSWERS)
    assert set(found) == {check}


def test_a_prompt_that_does_not_cite_is_dated_by_its_change() -> None:
    since = NOW - timedelta(hours=17)
    rows = is_recent(clean().answers, 17) & OWN
    system = changed(clean(), "answers", rows, valid_citations=0.0, removed_citations=0.0, prompt="chatty@9a0b")
    change = Change(since, "prompt", "answer", "cite_or_abstain", "chatty")
    older = Change(since - timedelta(days=5), "prompt", "answer", "", "cite_or_abstain")
    one = findings(replace(system, changes=(change, older)), ANSWERS)["answers_uncited"]
    assert one.since == system.answers.loc[system.answers["asked_at"] >= since, "asked_at"].min()
    assert one.severity == "high" and "chatty@9a0b" in one.details and one.unit == "share"


def test_a_fallback_that_answers_everything_is_certain_and_names_the_reason() -> None:
    rows = RECENT & (clean().answers["model"] != "")
    system = changed(clean(), "answers", rows, model="quotes", failed=[["served"]] * int(rows.sum()))
    calls = is_recent(system.calls, time="called_at")
    system = changed(system, "calls", calls, model="quotes", fallback_of="served", fallback_reason="HTTP 403")
    one = findings(system, ANSWERS)["answers_fallback"]
    assert (one.p_value, one.value, one.cause) == (None, 1.0, "model served does not answer: HTTP 403")
    always: System = replace(system, answers=system.answers[RECENT], calls=system.calls[calls])
    assert findings(always, ANSWERS)["answers_fallback"].p_value is None


def test_a_model_whose_calls_fail() -> None:
    rows = some(is_recent(clean().calls, time="called_at") & (clean().calls["model"] == "served"), 0.4)
    one = findings(changed(clean(), "calls", rows, outcome="failed", error="RateLimited"), ANSWERS)["answers_failed"]
    assert one.subject == "served" and "RateLimited" in one.details
