"""Which change is the likely cause of a finding."""

import dataclasses
from datetime import timedelta
from typing import Any

from ragops.monitoring.causes import likely_cause
from ragops.monitoring.finding import Change, Found
from ragops.monitoring.system.changes import sorted_changes
from tests.support.found_systems import DAY, HOUR, healthy
from tests.support.monitored import NOW


def finding(**fields: Any) -> Found:
    known: dict[str, Any] = {"check": "c", "subject": "", "severity": "high", "title": "t", "since": NOW - 2 * HOUR}
    return Found(**(known | {"action": "a", "command": "b", "causes": ("prompt", "model")} | fields))


def change(kind: Any, ago: timedelta, subject: str = "answer") -> Change:
    return Change(NOW - ago, kind, subject, "old", f"new of {ago}")


def cause(one: Found, *changes: Change) -> str | None:
    found = likely_cause(one, dataclasses.replace(healthy(), changes=sorted_changes(changes)))
    return found.text if found else None


def test_the_newest_change_before_it_of_a_fitting_kind() -> None:
    some = change("prompt", 5 * HOUR), change("model", 3 * HOUR), change("corpus", 2 * HOUR), change("prompt", HOUR)
    assert cause(finding(), *some) == "model answer changed from old to new of 3:00:00, at 2026-11-30 06:00 UTC"


def test_without_a_change_there_is_no_cause() -> None:
    assert cause(finding()) is None
    assert cause(finding(), change("corpus", 3 * HOUR)) is None
    assert cause(finding(), change("prompt", 16 * DAY)) is None, "it is in both windows"
    assert cause(finding(), change("prompt", HOUR)) is None, "it came later"


def test_statistics_do_not_tell_exactly_since_when() -> None:
    late = change("prompt", HOUR), change("prompt", timedelta(minutes=10))
    soon = "prompt answer changed from old to new of 1:00:00, at 2026-11-30 08:00 UTC"
    assert cause(finding(p_value=1e-6), *late) == soon
    assert cause(finding(p_value=1e-6, since=NOW - 4 * HOUR), *late) is None, "it began hours before"
    assert cause(finding(p_value=1e-6, since=NOW - DAY), *late) == soon, "it is not dated"


def test_what_is_compared_changes_at_once() -> None:
    assert cause(finding(p_value=1e-6), change("prompt", 20 * HOUR))
    assert cause(finding(p_value=1e-6), change("prompt", 3 * DAY)) is None
    assert cause(finding(), change("prompt", 3 * DAY)), "a job that runs each week"


def test_what_was_changed_together_is_named_together_the_likeliest_first() -> None:
    changes = [change("deployment", 3 * HOUR, "usecase.yml"), change("model", 3 * HOUR, "served")]
    changes += [change("prompt", 3 * HOUR - timedelta(minutes=5)), change("prompt", 9 * HOUR, "rewrite")]
    one = finding(causes=("model", "prompt", "deployment"))
    assert cause(one, *changes) == (
        "model served changed from old to new of 3:00:00, at 2026-11-30 06:00 UTC; at the same time "
        "prompt answer changed from old to new of 2:55:00"
    )
    assert "usecase.yml" in (cause(one, changes[0]) or ""), "nothing more exact is known"


def test_what_causes_it_where_nothing_was_changed() -> None:
    assert cause(finding(otherwise="the model's server"), change("corpus", 3 * HOUR)) == "the model's server"
    assert "prompt" in (cause(finding(otherwise="the model's server"), change("prompt", 3 * HOUR)) or "")


def test_a_check_that_knows_the_cause_is_believed() -> None:
    found = likely_cause(finding(cause="folder a is empty", causes=("corpus",)), healthy())
    assert found and (found.text, found.kind) == ("folder a is empty", "corpus")


def test_clocks_differ_by_a_minute() -> None:
    assert cause(finding(), change("prompt", 2 * HOUR - timedelta(seconds=50)))
