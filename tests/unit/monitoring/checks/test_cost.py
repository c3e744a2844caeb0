"""Checks of tokens, money and use."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from ragops.monitoring.checks.cost import COST, spending
from ragops.usecase import UseCase
from ragops.usecase.monitoring import Budget
from tests.support.monitored import NOW, USE_CASE, an_empty_system, changed, clean, findings, is_recent

RECENT = is_recent(clean().calls, time="called_at") & (clean().calls["model"] == "served")


def test_a_clean_system_and_an_empty_one_are_silent() -> None:
    assert findings(clean(), COST) == {}
    assert findings(an_empty_system(), COST) == {}


def test_a_price_that_tripled_is_certain_and_dated_by_the_first_dearer_call() -> None:
    dearer = RECENT & is_recent(clean().calls, 9, "called_at")
    system = changed(clean(), "calls", dearer, cost=3 * clean().calls.loc[dearer, "cost"])
    found = findings(system, COST)
    one = found["price_changed"]
    assert (one.subject, one.p_value, one.causes) == ("served", None, ("price",))
    assert "3 times" in one.title and "answer_cost" not in found
    assert one.since == system.calls.loc[dearer, "called_at"].min()


def test_a_free_model_that_costs_something_now() -> None:
    calls = clean().calls.assign(cost=0.0)
    system = changed(replace(clean(), calls=calls), "calls", RECENT, cost=0.01)
    assert findings(system, COST)["price_changed"].expected == 0


def test_prices_that_changed_long_ago_and_equal_calls_say_nothing() -> None:
    old = ~is_recent(clean().calls, 24 * 5, "called_at")
    assert findings(changed(clean(), "calls", old, cost=3 * clean().calls.loc[old, "cost"]), COST) == {}
    equal = clean().calls.assign(prompt_tokens=1000, completion_tokens=100, seconds=2.0, cost=0.001)
    assert findings(replace(clean(), calls=equal), COST) == {}


def test_a_prompt_that_is_longer() -> None:
    longer = clean().calls.loc[RECENT, "prompt_tokens"] * 2.5
    cost = (0.5 * longer + 1.5 * clean().calls.loc[RECENT, "completion_tokens"]) / 1e6
    found = findings(changed(clean(), "calls", RECENT, prompt_tokens=longer, cost=cost), COST)
    assert set(found) == {"answer_tokens"}  # which explains the cost


@pytest.mark.parametrize(
    ("budget", "subject"),
    [
        (Budget(per_day=0.001), ""),
        (Budget(per_day=0.001, model="served"), "model served"),
        (Budget(per_day=0.001, group="sales"), "group sales"),
        (Budget(per_day=1e-6, user="p1"), "user p1"),
        (Budget(per_day=1e6), None),
        (Budget(per_day=0.001, model="unused"), None),
    ],
)
def test_budgets(budget: Budget, subject: str | None) -> None:
    found = findings(replace(clean(), use_case=_with(budget)), COST)
    assert {one.subject for one in found.values()} == (set() if subject is None else {subject})


def _with(budget: Budget) -> UseCase:
    return USE_CASE.model_copy(update={"monitoring": USE_CASE.monitoring.model_copy(update={"budgets": (budget,)})})


def test_a_person_who_floods_the_system() -> None:
    now = clean().answers[is_recent(clean().answers)]
    flood = pd.concat([now.iloc[:50]] * 6, ignore_index=True).assign(who="robot")
    flood["question"] = [f"Question {n}?" for n in range(len(flood))]
    one = findings(replace(clean(), answers=pd.concat([clean().answers, flood], ignore_index=True)), COST)
    assert (one["user_flooding"].subject, one["user_flooding"].value) == ("robot", 300)
    assert one["user_flooding"].cause == "user robot floods the system"


def test_a_system_with_one_user_has_no_flood() -> None:
    one_user = clean().answers.assign(who="me")
    assert findings(replace(clean(), answers=one_user), COST) == {}


def test_spending_is_by_model_and_group() -> None:
    rows = spending(clean())
    assert set(rows["group"]) == {"docs", "sales"} and rows["cost"].is_monotonic_decreasing
    now = clean().calls[clean().calls["called_at"] > pd.Timestamp(NOW - timedelta(hours=24))]
    assert rows["cost"].sum() == pytest.approx(now["cost"].sum())
    assert len(spending(an_empty_system())) == 0
