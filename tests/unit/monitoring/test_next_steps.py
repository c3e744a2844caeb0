"""What to do next, from findings and from groups of questions."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ragops.monitoring.checks.all import TOPICS
from ragops.monitoring.finding import Change, Finding
from ragops.monitoring.next_steps import _BY_FINDING, NextStep, Proposal, propose, update_steps
from tests.support.monitored import NOW, an_empty_system, changed, clean, is_recent, some

CATALOGUE = {check for topic in TOPICS for check in topic.findings}


def a_finding(check: str) -> Finding:
    about: dict[str, Any] = dict.fromkeys(("since", "opened_at", "seen_at"), NOW)
    return Finding(finding_id="f", check=check, subject="", severity="low", title=f"{check} here", details="",
                   action="a", command="c", **about)  # fmt: skip


def kinds(steps: list[Proposal]) -> set[str]:
    return {one.kind for one in steps}


def test_an_empty_system_needs_nothing() -> None:
    assert propose(an_empty_system(), []) == []


@pytest.mark.parametrize(("kind", "checks"), _BY_FINDING.items())
def test_findings_lead_to_steps(kind: str, checks: tuple[str, ...]) -> None:
    assert set(checks) <= CATALOGUE
    for check in checks:
        (step,) = propose(an_empty_system(), [a_finding(check), a_finding("clock_ahead")])
        assert (step.kind, step.reason) == (kind, f"{check} here")


def test_a_change_after_the_last_evaluation_asks_for_another() -> None:
    measured = pd.DataFrame({"measured_at": [pd.Timestamp(NOW - timedelta(days=2))], "question_set": ["s-1"]})
    system = replace(an_empty_system(), metrics=measured)
    later, earlier = (Change(NOW - timedelta(days=days), "prompt", "answer", "a", "b") for days in (1, 3))
    assert propose(replace(system, changes=(earlier,)), []) == []
    (step,) = propose(replace(system, changes=(later,)), [])
    assert step.kind == "evaluate" and "prompt answer changed from a to b" in step.reason


def test_groups_of_questions_without_evidence_have_names_and_miss_a_document() -> None:
    new = some(is_recent(clean().answers), 0.5)
    fields: dict[str, Any] = {"vector": [np.full(16, 6.0, np.float32)] * int(new.sum())}
    texts = [f"Which holiday allowance applies in year {n}?" for n in range(int(new.sum()))]
    system = changed(clean(), "answers", new, **fields, question=texts, abstained="no evidence")
    steps = [one for one in propose(system, []) if "holiday" in one.subject]
    assert kinds(steps) == {"evaluation_cases", "documents"}
    assert all("allowance" in one.subject and one.people >= 2 and one.questions for one in steps)
    assert set(steps[0].questions) <= set(texts)


def test_questions_with_thumbs_down_make_cases_and_no_document() -> None:
    system = replace(clean(), answers=clean().answers.assign(abstained=None))
    steps = propose(system, [])
    assert steps and kinds(steps) == {"evaluation_cases"}
    assert "with thumbs down" in steps[0].reason


def test_few_questions_without_vectors_are_one_group_and_one_person_is_none() -> None:
    rows = (
        clean()
        .answers.head(4)
        .assign(abstained="no evidence", vector=None, question=[f"Where is the harbour {n}?" for n in range(4)])
    )
    alone = replace(an_empty_system(), answers=rows.assign(who="me"))
    assert propose(alone, []) == []
    two = replace(an_empty_system(), answers=rows.assign(who=["a", "b", "a", "b"]))
    assert [one.subject for one in propose(two, [])] == ["harbour"] * 2


def a_group(*questions: str, name: str = "x") -> Proposal:
    return Proposal("evaluation_cases", name, f"Add cases about {name}", "why", questions, 3)


def test_a_step_keeps_its_identity_while_it_is_proposed_and_is_done_then() -> None:
    (first,) = update_steps([], [a_group("a", "b", "c")], NOW)
    later = NOW + timedelta(hours=1)
    (same,) = update_steps([first], [a_group("b", "c", "d", name="y")], later)
    assert (same.step_id, same.proposed_at, same.seen_at, same.subject) == (first.step_id, NOW, later, "y")
    other, done = update_steps([same], [a_group("e", "f", name="y")], later)
    assert (other.step_id != first.step_id, done.step_id, done.done_at) == (True, first.step_id, later)
    assert update_steps([done], [], later) == []


def test_steps_without_questions_are_the_same_by_kind() -> None:
    refresh = Proposal("refresh", "", "Refresh the index", "why")
    (first,) = update_steps([], [refresh], NOW)
    (again,) = update_steps([first], [replace(refresh, reason="more")], NOW + timedelta(days=1))
    assert (again.step_id, again.reason, again.done_at) == (first.step_id, "more", None)
    assert isinstance(again, NextStep) and isinstance(again.seen_at, datetime)
