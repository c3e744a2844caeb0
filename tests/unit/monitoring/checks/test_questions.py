"""Checks of questions: volume, length, repetition, evidence, and the exploration's profile."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from ragops.monitoring.checks.questions import QUESTIONS
from ragops.monitoring.system.system import System
from tests.support.monitored import NOW, Use, a_clean_system, an_empty_system, changed, clean, findings, is_recent, some

RECENT = is_recent(clean().answers)


def test_a_clean_system_an_empty_one_and_a_new_one_are_silent() -> None:
    assert findings(clean(), QUESTIONS) == {}
    assert findings(an_empty_system(), QUESTIONS) == {}
    only_new = replace(clean(), answers=clean().answers[RECENT].reset_index(drop=True))
    assert findings(only_new, QUESTIONS) == {}


def test_no_questions_any_more_and_many_more() -> None:
    none = findings(replace(clean(), answers=clean().answers[~RECENT]), QUESTIONS)["questions_volume"]
    assert (none.value, none.severity, none.title[:14]) == (0, "high", "0 questions in")
    assert none.since == clean().answers.loc[~RECENT, "asked_at"].max()
    now = clean().answers[RECENT]
    copies = [now.assign(who=now["who"] + f"-{copy}", question=now["question"] + f" {copy}") for copy in range(12)]
    many = findings(replace(clean(), answers=pd.concat([clean().answers, *copies], ignore_index=True)), QUESTIONS)
    assert "questions_volume" in many


def test_half_a_day_of_silence() -> None:
    system = a_clean_system(3, Use(people=25, a_day=12))
    silent = replace(system, answers=system.answers[~is_recent(system.answers, 12.5)])
    one = findings(silent, QUESTIONS)["questions_volume"]
    assert (one.value, one.severity, one.since) == (0, "high", silent.answers["asked_at"].max())
    assert "in 12 hours" in one.title


def test_longer_questions() -> None:
    long = clean().answers.loc[RECENT, "question"] + " and why" * 10
    assert set(findings(changed(clean(), "answers", RECENT, question=long), QUESTIONS)) == {"questions_length"}


def test_the_same_question_again_and_again() -> None:
    same = some(RECENT, 0.7)
    found = findings(changed(clean(), "answers", same, question="Is it on?"), QUESTIONS)["questions_repeated"]
    assert found.value is not None and found.value > 0.5 and "is it on?" in (found.cause or "")


def test_questions_without_evidence_since_a_generation() -> None:
    since = NOW - timedelta(hours=15)
    lost = some(is_recent(clean().answers, 15), 0.6)
    system = changed(clean(), "answers", lost, abstained="no evidence", evidence=0.2)
    found = findings(system, QUESTIONS)
    assert set(found) == {"questions_without_evidence"}  # which also explains that they are far from the explored ones
    one = found["questions_without_evidence"]
    assert one.severity == "high" and "generation" in one.causes
    assert since - timedelta(hours=2) <= one.since <= since + timedelta(hours=3)


def test_questions_that_are_far_unlike_the_explored_ones() -> None:
    far = some(clean().answers["evidence"] > 0, 0.5)  # in both windows, so the comparison of these says nothing
    system: System = changed(clean(), "answers", far, evidence=0.45)
    assert set(findings(system, QUESTIONS)) == {"questions_far"}
    assert findings(replace(system, profile=None), QUESTIONS) == {}
