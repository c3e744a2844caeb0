"""Pictures of the status page: freshness, questions, verdicts, waiting, cost; each drawn only if there is something."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import pandas as pd
from matplotlib.axes import Axes

from ragops.monitoring.finding import Unreadable
from ragops.monitoring.report.wording import lasting, percent
from ragops.monitoring.system.system import System
from ragops.platform.drawing import (
    BLUE,
    COLORS,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    Picture,
    axes,
    horizontal_lines,
    legend,
)
from ragops.quality.feedback.rows import EVALUATION

_DAY = timedelta(days=1)
_MOST_MODELS = 5  # drawn apart; the rest is one color
_ROW = 0.36  # inches


def freshness_pictures(system: System) -> Iterator[Picture]:
    """What is how old, and how long changes of files waited."""
    if timeline := _timeline(system):
        yield timeline
    if waits := _waits(system):
        yield waits


def question_pictures(system: System) -> Iterator[Picture]:
    """Answers of people by day, and their verdicts."""
    asked = people(system)
    if len(asked):
        yield _answers(system, asked)
    if isinstance(system.feedback, pd.DataFrame) and len(system.feedback):
        yield _verdicts(system, system.feedback)


def cost_pictures(system: System) -> Iterator[Picture]:
    """How long people waited, and what models cost, by day."""
    asked = people(system)
    if len(asked) and asked["seconds"].notna().any():
        yield _seconds(system, asked)
    calls = system.calls
    if isinstance(calls, pd.DataFrame) and len(calls):
        yield _cost(system, calls)


def people(system: System) -> pd.DataFrame:
    """The answers that people got; empty if they cannot be read."""
    answers = system.answers
    if isinstance(answers, Unreadable):
        return pd.DataFrame({"asked_at": [], "who": [], "abstained": [], "seconds": []})
    return answers[answers["who"] != EVALUATION]


def _timeline(system: System) -> Picture | None:
    documents, index, runs = system.documents, system.index, system.runs
    rows: list[tuple[str, timedelta, str]] = []
    if not isinstance(documents, Unreadable) and documents.newest:
        rows.append(("newest document", system.now - documents.newest, BLUE))
    if not isinstance(index, Unreadable) and index.published_at:
        rows.append(("index published", system.now - index.published_at, BLUE))
    if not isinstance(runs, Unreadable):
        known = [(one.name, one.last_succeeded) for one in runs.jobs if one.job.cron]
        rows += [(f"job {name}", system.now - at, GREEN) for name, at in known if at]
    waiting = () if isinstance(documents, Unreadable) else documents.waiting
    if not rows and not waiting:
        return None
    figure, (at,) = axes(height=0.7 + _ROW * (len(rows) + bool(waiting)))
    limit = timedelta(minutes=system.use_case.sla.freshness_minutes)
    for row, (_, age, color) in enumerate(rows):
        at.plot([_log(age), 0], [row, row], color=color, linewidth=5, alpha=0.25, solid_capstyle="butt")
        at.plot([_log(age)], [row], "o", color=color, markersize=6)
        _beside(at, row, age)
    names = [name for name, _, _ in rows]
    if waiting:
        for age in (system.now - one.changed_at for one in waiting):
            at.plot([_log(age)], [len(rows)], "o", color=RED if age > limit else ORANGE, markersize=6, alpha=0.7)
        _beside(at, len(rows), system.now - waiting[0].changed_at)
        names.append(f"{len(waiting)} waiting file{'s' if len(waiting) > 1 else ''}")
    at.axvline(_log(limit), color=RED, linewidth=1, linestyle=(0, (4, 2)))
    at.set_yticks(range(len(names)), names)
    at.set_ylim(len(names) - 0.5, -0.5)
    ages = [limit, *(age for _, age, _ in rows), *(system.now - one.changed_at for one in waiting)]
    _ages(at, _log(max(ages)))
    horizontal_lines(at)
    return Picture("timeline", "How old everything is", _timeline_sentence(system, len(waiting)), figure)


def _timeline_sentence(system: System, waiting: int) -> str:
    limit = system.use_case.sla.freshness_minutes
    documents = system.documents
    if isinstance(documents, Unreadable):
        return f"Files are not known; a change should be found within {limit:g} minutes."
    if not waiting:
        return f"No file waits; a change should be found within {limit:g} minutes."
    longest = system.now - documents.waiting[0].changed_at
    late = longest > timedelta(minutes=limit)
    allowed = ", which is too long:" if late else ";"
    return f"The longest waiting change is {lasting(longest)} old{allowed} {limit:g} minutes are allowed."


def _waits(system: System) -> Picture | None:
    if isinstance(system.metrics, Unreadable):
        return None
    found = system.metrics[system.metrics["name"] == "freshness_minutes"].sort_values("measured_at").tail(200)
    if len(found) < 2:
        return None
    limit = system.use_case.sla.freshness_minutes
    figure, (at,) = axes(height=2.2)
    at.plot(
        [_x(system, one) for one in found["measured_at"]],
        found["value"].to_numpy(),
        "o-",
        color=BLUE,
        linewidth=1,
        markersize=4,
    )
    at.axhline(limit, color=RED, linewidth=1.1, linestyle=(0, (4, 2)))
    at.set_ylim(0, None)
    at.set_ylabel("minutes")
    _dates(at, system)
    horizontal_lines(at)
    late = int((found["value"] > limit).sum())
    sentence = f"{late} of the last {len(found)} refreshes took longer than the {limit:g} minutes that are allowed."
    return Picture("waits", "From a file's change to being found", sentence, figure)


def _answers(system: System, asked: pd.DataFrame) -> Picture:
    days = _days(system, asked["asked_at"])
    abstained = asked["abstained"].notna()
    counts = {"answered": days[~abstained], "abstained": days[abstained]}
    figure, (at,) = axes(height=2.3)
    _stacked(at, {name: one.value_counts() for name, one in counts.items()}, (BLUE, ORANGE), system)
    share = abstained.mean()
    sentence = f"{len(asked):,} questions of {asked['who'].nunique():,} people; {percent(share)} of them got no answer."
    return Picture("answers", "Questions", sentence, figure)


def _verdicts(system: System, feedback: pd.DataFrame) -> Picture:
    days = _days(system, feedback["given_at"])
    up = feedback["verdict"] == "up"
    figure, (at,) = axes(height=1.9)
    _stacked(at, {"thumbs up": days[up].value_counts(), "thumbs down": days[~up].value_counts()}, (GREEN, RED), system)
    sentence = f"{len(feedback):,} verdicts, {percent((~up).mean())} of them thumbs down."
    return Picture("verdicts", "What people think of the answers", sentence, figure)


def _seconds(system: System, asked: pd.DataFrame) -> Picture:
    by_day = asked.groupby(_days(system, asked["asked_at"]))["seconds"]
    figure, (at,) = axes(height=2.1)
    for share, color, name in ((0.5, BLUE, "half"), (0.95, PURPLE, "95 of 100")):
        found = by_day.quantile(share)
        at.plot(
            found.index.to_numpy(),
            found.to_numpy(),
            "o-",
            color=color,
            markersize=4,
            linewidth=1.3,
            label=f"{name} wait less",
        )
    at.set_ylim(0, None)
    at.set_ylabel("seconds")
    _range(at, system)
    horizontal_lines(at)
    legend(at)
    middle, slow = asked["seconds"].quantile(0.5), asked["seconds"].quantile(0.95)
    sentence = f"Half of the answers came within {middle:.1f} s, 95 of 100 within {slow:.1f} s."
    return Picture("seconds", "How long people wait", sentence, figure)


def _cost(system: System, calls: pd.DataFrame) -> Picture:
    paid = calls.assign(day=_days(system, calls["called_at"]))
    known = paid["cost"].sum() > 0
    what = "cost" if known else "tokens"
    paid["amount"] = paid["cost"] if known else paid["prompt_tokens"] + paid["completion_tokens"]
    most = paid.groupby("model")["amount"].sum().nlargest(_MOST_MODELS).index
    paid["model"] = paid["model"].where(paid["model"].isin(most), "other models")
    series = {str(name): one.groupby("day")["amount"].sum() for name, one in paid.groupby("model")}
    figure, (at,) = axes(height=2.1)
    _stacked(at, series, COLORS, system)
    at.set_ylabel(what)
    total = paid["amount"].sum()
    amount = (
        f"{total:,.4g}, in the currency of the prices" if known else f"{total:,.0f} tokens; the models have no prices"
    )
    sentence = f"{len(paid):,} calls of language models: {amount}."
    return Picture("cost", "What language models cost", sentence, figure)


def _stacked(at: Axes, series: dict[str, pd.Series], colors: tuple[str, ...], system: System) -> None:
    """Vertical bars by day, one series on the other."""
    days = sorted({day for one in series.values() for day in one.index})
    below = [0.0] * len(days)
    for (name, one), color in zip(series.items(), (*colors, INK), strict=False):
        values = [float(one.get(day, 0)) for day in days]
        at.bar(days, values, 0.8, bottom=below, color=color, label=name)
        below = [one + other for one, other in zip(below, values, strict=True)]
    _range(at, system)
    horizontal_lines(at)
    legend(at)


def _range(at: Axes, system: System) -> None:
    """From the baseline's begin until now, where the recent window is tinted."""
    at.axvspan(_x(system, system.recent_since), 0, color=INK, alpha=0.09, linewidth=0)
    at.set_xlim(_x(system, system.baseline_since), 0.1)
    _dates(at, system)


def _dates(at: Axes, system: System) -> None:
    """Dates below days, which the axis counts from now on: -1 is a day ago."""
    first = at.get_xlim()[0]
    step = max(1, math.ceil(-first / 8))
    days = (-day - 0.5 for day in range(0, max(1, math.ceil(-first)), step))
    at.set_xticks([day for day in days if day > first + 0.3])
    at.xaxis.set_major_formatter(lambda days, _: f"{system.now + timedelta(days=days):%d %b}".lstrip("0"))


def _days(system: System, times: pd.Series) -> pd.Series:
    """Where each time's bar is: days of 24 hours are counted back from now, so the recent window is a whole bar."""
    days: pd.Series = -((pd.Timestamp(system.now) - times).dt.total_seconds() // _DAY.total_seconds()) - 0.5
    return days


def _beside(at: Axes, row: int, age: timedelta) -> None:
    """How long ago it was, right of the plot."""
    at.annotate(lasting(age), (0, row), xytext=(8, 0), textcoords="offset points", va="center", color=INK,
                fontsize=8.5, annotation_clip=False)  # fmt: skip


def _ages(at: Axes, oldest: float) -> None:
    """Ages below a logarithmic axis, on which minutes and weeks look different; now is on the right."""
    known = {"now": 0, "10 min": 10, "1 hour": 60, "6 hours": 360, "1 day": 1440, "1 week": 10_080, "1 month": 43_200,
             "1 year": 525_600}  # fmt: skip
    ticks = {name: _log(timedelta(minutes=minutes)) for name, minutes in known.items()}
    shown = {name: x for name, x in ticks.items() if x >= oldest} or {"now": 0.0}
    at.set_xticks(list(shown.values()), list(shown))
    at.set_xlim(oldest - 0.15, 0.05)


def _log(age: timedelta) -> float:
    return -math.log10(1 + max(0.0, age.total_seconds()) / 60)


def _x(system: System, moment: datetime) -> float:
    """Days from now; negative before it."""
    return (moment - system.now) / _DAY
