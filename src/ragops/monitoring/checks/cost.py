"""Checks of tokens, money and use: budgets, prices, longer prompts, and one person who floods the system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import blocks, periods, recent
from ragops.monitoring.checks.compared import Compared, compare, logarithms, numbers, rows
from ragops.monitoring.checks.counts import count_shift
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import ChangeKind, Found
from ragops.monitoring.system.system import System
from ragops.usecase.monitoring import Budget

_CAUSES: tuple[ChangeKind, ...] = ("prompt", "model", "champion", "generation", "deployment")
_OF_WRITING: tuple[ChangeKind, ...] = ("prompt", "model", "champion")
_TOKENS = Compared(
    check="answer_tokens",
    what="tokens for an answer,",
    side="more",
    unit="number",
    of_logarithms=True,
    causes=_CAUSES,
    action="Compare the prompts, and see whether retrieval.context_tokens or answers.max_tokens were raised.",
    command="ragops prompts compare",
)
_COST = Compared(
    check="answer_cost",
    what="cost of an answer",
    side="more",
    unit="money",
    of_logarithms=True,
    causes=("price", *_CAUSES),
    otherwise="nothing was changed here: the provider charges more, or another model answers",
    action="See which model answers, and what it costs by usecase.yml.",
    command="ragops usecase",
)
_HOURS_A_DAY = 24
_OTHER_PRICE, _FITS = 0.05, 0.02
_FEWEST_CALLS = 10
_FLOOD, _FLOOD_SHARE = 30, 0.3
_SHOWN = 5


def check(system: System) -> Iterator[Found]:
    """What the calls cost, and who causes it."""
    calls = rows(system.calls)
    yield from _budgets(system, calls)
    for model, mine in calls.groupby("model"):
        yield from _price(system, str(model), mine)
    asked = calls[(calls["purpose"] == "ask") & (calls["outcome"] == "answered") & ~calls["cached"].astype(bool)]
    for subject, column, what, causes in (
        ("read", "prompt_tokens", "the prompt or the passages are longer", _CAUSES),
        ("written", "completion_tokens", "the model writes more tokens", _OF_WRITING),
    ):
        tokens = blocks(system, asked, logarithms(asked[column]), "called_at")
        about = replace(_TOKENS, causes=causes, otherwise=f"{what}, and nothing was changed here")
        yield from compare(system, about, tokens, subject=subject)
    spent = blocks(system, asked, logarithms(asked["cost"]), "called_at")
    yield from compare(system, _COST, spent, details=_by_model(system, calls))
    yield from _flooding(system, rows(system.answers))


def spending(system: System) -> pd.DataFrame:
    """Tokens and money of the recent window, by model and group of users.

    Returns:
        Rows (model, group, calls, tokens, cost), the most expensive first; who belongs to several groups is in the
        first one of them by name, who belongs to none, or is not known, in "".
    """
    now, groups = recent(system, rows(system.calls), "called_at"), _groups(system)
    counted = pd.DataFrame(
        {
            "model": now["model"],
            "group": now["who"].map(lambda who: min(groups.get(who, ()), default="")),
            "calls": 1,
            "tokens": numbers(now["prompt_tokens"]) + numbers(now["completion_tokens"]),
            "cost": numbers(now["cost"]),
        }
    )
    found = counted.groupby(["model", "group"], as_index=False).sum()
    return found.sort_values(["cost", "tokens"], ascending=False, ignore_index=True)


def _groups(system: System) -> dict[str, frozenset[str]]:
    """The groups of each user, as the answers tell."""
    answers = rows(system.answers)
    known = answers[answers["groups"].notna()]
    found: dict[str, set[str]] = {}
    for who, groups in zip(known["who"], known["groups"], strict=True):
        found.setdefault(str(who), set()).update(groups)
    return {who: frozenset(groups) for who, groups in found.items()}


def _budgets(system: System, calls: pd.DataFrame) -> Iterator[Found]:
    now, groups = recent(system, calls, "called_at"), _groups(system)
    days = system.use_case.monitoring.recent_hours / _HOURS_A_DAY
    for budget in system.use_case.monitoring.budgets:
        mine = now[_covered(budget, now, groups)].sort_values("called_at")
        spent = numbers(mine["cost"]).cumsum()
        if mine.empty or spent.iloc[-1] / days <= budget.per_day:
            continue
        over = mine.loc[spent > budget.per_day * days, "called_at"].iloc[0]
        yield Found(
            check="budget_exceeded",
            subject=budget.subject,
            severity="high",
            title=f"{budget.subject or 'all calls'} cost {spent.iloc[-1] / days:,.2f} a day instead of at most "
            f"{budget.per_day:,.2f}",
            since=over.to_pydatetime(),
            value=float(spent.iloc[-1] / days),
            expected=budget.per_day,
            unit="money",
            details=_by_user(mine),
            causes=("price", "model", "prompt", "champion"),
            action="See who and what causes the cost; choose a cheaper model, limit the users, or raise the budget.",
            command="ragops usecase",
        )


def _covered(budget: Budget, calls: pd.DataFrame, groups: dict[str, frozenset[str]]) -> pd.Series:
    covered = pd.Series(True, index=calls.index)
    if budget.model:
        covered &= calls["model"] == budget.model
    if budget.user:
        covered &= calls["who"] == budget.user
    if budget.group:
        covered &= calls["who"].map(lambda who: budget.group in groups.get(who, ())).astype(bool)
    return covered


def _price(system: System, model: str, calls: pd.DataFrame) -> Iterator[Found]:
    """Recent calls that cost something else than the prices of the calls before: these are exact, so no test."""
    tokens = calls[["prompt_tokens", "completion_tokens"]].astype(float)
    paid = calls[tokens.sum(axis=1) > 0].sort_values("called_at")
    now = recent(system, paid, "called_at")
    before = paid.drop(now.index)
    prices = _prices(before)
    if prices is None or not len(now):
        return
    columns = _priced(now)
    expected, cost = columns @ prices, now["cost"].to_numpy(np.float64)
    other = np.abs(cost - expected) > _OTHER_PRICE * np.maximum(expected, cost)
    if not other[-1]:
        return
    same = np.flatnonzero(~other)
    first = int(same[-1]) + 1 if len(same) else 0
    ratio = float(cost[first:].sum() / expected[first:].sum()) if expected[first:].sum() else float("inf")
    per_million = 1e6 / columns[first:, :2].sum()
    yield Found(
        check="price_changed",
        subject=model,
        severity="low",
        title=f"model {model} costs {ratio:,.2g} times what it did",
        since=now["called_at"].iloc[first].to_pydatetime(),
        value=float(cost[first:].sum() * per_million),
        expected=float(expected[first:].sum() * per_million),
        unit="money",
        details=f"of a million tokens, over {len(now) - first:,} calls; {len(before):,} calls before",
        causes=("price",),
        cause=f"the price of model {model} changed",
        action="Compare the prices in usecase.yml with the provider's; choose another model if it is too expensive.",
        command="ragops usecase",
    )


def _prices(calls: pd.DataFrame) -> np.ndarray | None:
    """Prices of a token read, a token written and a second; None if the calls do not all have the same prices."""
    if len(calls) < _FEWEST_CALLS:
        return None
    columns, cost = _priced(calls), calls["cost"].to_numpy(np.float64)
    prices, _, rank, _ = np.linalg.lstsq(columns / columns.max(axis=0).clip(1e-9), cost, rcond=None)
    prices = prices / columns.max(axis=0).clip(1e-9)
    error = np.abs(columns @ prices - cost).max()
    return prices if rank == columns.shape[1] and error <= _FITS * max(cost.max(), 1e-12) else None


def _priced(calls: pd.DataFrame) -> np.ndarray:
    """What prices apply to, shape (calls, 3)."""
    return calls[["prompt_tokens", "completion_tokens", "seconds"]].to_numpy(np.float64)


def _flooding(system: System, answers: pd.DataFrame) -> Iterator[Found]:
    """The person who asks most, compared with those who asked most in the periods before."""
    if answers.empty:
        return
    numbered = answers.assign(period=periods(system, answers["asked_at"]))
    most = numbered.groupby(["period", "who"]).size().groupby(level=0).max()
    mine = numbered[numbered["period"] == 0]
    compared = count_shift(float(most.get(0, 0)), most.reindex(range(1, int(most.index.max()) + 1), fill_value=0))
    if mine.empty or compared is None:
        return
    now = mine["who"].value_counts()
    who, count = str(now.index[0]), int(now.iloc[0])
    flood = count > compared[0] and count >= _FLOOD and count >= _FLOOD_SHARE * now.sum()
    yield Found(
        check="user_flooding",
        subject=who,
        severity="high",
        title=f"{who} asked {count:,} of {now.sum():,} questions; before, nobody asked more than {compared[0]:,.0f}",
        since=mine.loc[mine["who"] == who, "asked_at"].min().to_pydatetime(),
        value=float(count),
        expected=compared[0],
        unit="number",
        p_value=compared[1] if flood else 1.0,
        details="most questions of one person in each period before, newest first: "
        + ", ".join(f"{one:,}" for period, one in most.items() if period),
        cause=f"user {who} floods the system",
        action="Ask them what they do; lower serving.queue_length, or give a program the job answer_batch.",
        command="ragops usecase",
    )


def _by_user(calls: pd.DataFrame) -> str:
    spent = calls.groupby("who")["cost"].sum().sort_values(ascending=False)[:_SHOWN]
    return "most by: " + ", ".join(f"{who} {cost:,.2f}" for who, cost in spent.items())


def _by_model(system: System, calls: pd.DataFrame) -> str:
    spent = recent(system, calls, "called_at").groupby("model")["cost"].sum().sort_values(ascending=False)[:_SHOWN]
    return "now by model: " + ", ".join(f"{model} {cost:,.4g}" for model, cost in spent.items()) if len(spent) else ""


COST = Topic(
    "cost",
    check,
    ("answers", "calls"),
    {
        "budget_exceeded": "calls cost more a day than a budget in usecase.yml",
        "price_changed": "a model costs something else than before",
        "answer_tokens": "an answer takes more tokens than before",
        "answer_cost": "an answer costs more than before",
        "user_flooding": "one person asks many more questions than anybody did before",
    },
)
