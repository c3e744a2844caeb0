"""Since when a value is another one."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import blocks
from ragops.monitoring.checks.change_points import changed_since
from ragops.monitoring.finding import Change
from tests.support.monitored import NOW, an_empty_system

HOURS = np.linspace(200, 0.1, 300)
AFTER = NOW - timedelta(hours=30)
CHANCE = np.random.default_rng(3)
FRAME = pd.DataFrame({"who": "a", "asked_at": pd.DatetimeIndex([NOW - timedelta(hours=float(one)) for one in HOURS])})
VALUES = np.where(FRAME["asked_at"] > AFTER, CHANCE.random(300) < 0.7, CHANCE.random(300) < 0.1).astype(float)


def test_the_first_row_after_the_best_split() -> None:
    system = an_empty_system()
    since = changed_since(system, blocks(system, FRAME, VALUES), ())
    assert abs(since - AFTER) < timedelta(hours=4)


def test_a_change_that_explains_it_as_well_dates_it_exactly() -> None:
    near = Change(AFTER, "prompt", "answer", "a", "b")
    others = (Change(NOW - timedelta(hours=120), "prompt", "answer", "", "a"), Change(AFTER, "price", "m", "1", "2"))
    system = replace(an_empty_system(), changes=(near, *others))
    first = FRAME.loc[FRAME["asked_at"] >= AFTER, "asked_at"].min()
    assert changed_since(system, blocks(system, FRAME, VALUES), ("prompt", "model")) == first


def test_of_changes_that_explain_it_alike_that_of_a_rare_kind_counts() -> None:
    hourly = [Change(NOW - timedelta(hours=one), "corpus", "documents", "", f"{one}") for one in range(300)]
    prompt = Change(NOW - timedelta(hours=29.75), "prompt", "answer", "a", "b")
    system = replace(an_empty_system(), changes=tuple(sorted((*hourly, prompt), key=lambda one: one.at, reverse=True)))
    first = FRAME.loc[FRAME["asked_at"] >= prompt.at, "asked_at"].min()
    assert changed_since(system, blocks(system, FRAME, VALUES), ("prompt", "corpus")) == first


def test_no_rows_and_equal_rows() -> None:
    system = an_empty_system()
    assert changed_since(system, blocks(system, FRAME[:1], VALUES[:1]), ()) == system.recent_since
    assert changed_since(system, blocks(system, FRAME, np.ones(300)), ()) in FRAME["asked_at"].tolist()
