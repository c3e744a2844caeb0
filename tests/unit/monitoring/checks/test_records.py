"""Checks of the ledger, of traces and of the evaluation set."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from ragops.monitoring.checks.records import EVALUATION, LEDGER, TRACES
from ragops.monitoring.system.records import Waiting, looked_up
from tests.support.monitored import NOW, an_empty_system, changed, clean, findings, is_recent, some

RECENT = is_recent(clean().answers)


def test_a_clean_system_and_an_empty_one_are_silent() -> None:
    assert findings(clean(), LEDGER, TRACES, EVALUATION) == {}
    assert findings(an_empty_system(), LEDGER, TRACES, EVALUATION) == {}


def test_files_that_wait_for_their_collection() -> None:
    waiting = Waiting(12, NOW - timedelta(hours=30), {"calls": 10, "answers": 2})
    one = findings(replace(an_empty_system(), waiting=waiting), LEDGER)["ledger_not_collected"]
    assert one.since == NOW - timedelta(hours=30) and "calls: 10" in one.details and "collect_calls" in one.command
    young = Waiting(12, NOW - timedelta(hours=1), {"calls": 12})
    assert findings(replace(an_empty_system(), waiting=young), LEDGER) == {}


def test_answers_without_calls() -> None:
    old = clean().calls[~is_recent(clean().calls, time="called_at")]
    one = findings(replace(clean(), calls=old), LEDGER)["ledger_not_collected"]
    assert (one.value, one.since) == (0, old["called_at"].max())
    assert findings(replace(clean(), calls=old[:0]), LEDGER) == {}  # a ledger that never was


def test_answers_that_are_no_longer_traced() -> None:
    untraced = is_recent(clean().answers, 10)
    one = findings(changed(clean(), "answers", untraced, trace_id=None), TRACES)["traces_missing"]
    settled = untraced & ~is_recent(clean().answers, 1 / 6)
    assert one.since == clean().answers.loc[settled, "asked_at"].min()
    never = replace(clean(), answers=clean().answers.assign(trace_id=None))
    assert findings(never, TRACES) == {}


def test_traces_that_the_store_has_lost() -> None:
    kept = set(clean().answers.loc[~RECENT | some(RECENT, 0.4), "trace_id"])
    traces = looked_up(clean().answers, NOW - timedelta(hours=24), kept.__contains__)
    assert "MLflow" in findings(replace(clean(), traces=traces), TRACES)["traces_missing"].title
    whole = looked_up(clean().answers, NOW - timedelta(hours=24), lambda trace_id: True)
    assert findings(replace(clean(), traces=whole), TRACES) == {}
    other_store = looked_up(clean().answers, NOW - timedelta(hours=24), lambda trace_id: False)
    assert findings(replace(clean(), traces=other_store), TRACES) == {}


def test_an_evaluation_that_is_old() -> None:
    measured = pd.DataFrame({"measured_at": [pd.Timestamp(NOW - timedelta(days=40))], "question_set": ["s-1"]})
    one = findings(replace(clean(), metrics=measured), EVALUATION)["evaluation_old"]
    assert (one.since, one.title) == (NOW - timedelta(days=10), "the last evaluation is 40 days old")
    young = measured.assign(measured_at=pd.Timestamp(NOW - timedelta(days=3)))
    assert findings(replace(clean(), metrics=young), EVALUATION) == {}
