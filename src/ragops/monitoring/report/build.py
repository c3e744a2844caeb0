"""The status page from what a run of the monitor read and found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd
from pydantic import ValidationError

from ragops.monitoring.checks.gpu_hours import gpu_hours_of
from ragops.monitoring.finding import Finding, Unreadable
from ragops.monitoring.report.content import History, MeasuredCriterion, Section, StatusPage, Step
from ragops.monitoring.report.pictures import cost_pictures, freshness_pictures, people, question_pictures
from ragops.monitoring.report.wording import lasting, moment, percent
from ragops.monitoring.system.system import System
from ragops.quality.criteria.check import Checked, check
from ragops.quality.criteria.rows import Metric
from ragops.serving.server.status_files import State
from ragops.usecase import Criterion

_OUTCOMES: Mapping[str, tuple[str, State]] = {
    "pass": ("met", "good"),
    "fail": ("not met", "bad"),
    "not measured": ("not measured", "open"),
}
_ORDER: tuple[State, ...] = ("bad", "open", "good")
_UNKNOWN = "–"
_HISTORY = 60  # values of a measure
_HEIGHT = 30.0  # of a small picture
NOTHING_ASKED = "Nobody has asked anything in this time, so nothing is known about answers."
NO_VERDICTS = "Nobody has rated an answer in this time."


def status_page(
    system: System,
    findings: Sequence[Finding],
    closed: Sequence[Finding] = (),
    steps: Sequence[Step] = (),
    where: str = "",
) -> StatusPage:
    """The page.

    Args:
        system: what the run read.
        findings: those that are open.
        closed: those that were closed lately.
        steps: proposed next steps.
        where: the schema's full name.
    """
    criteria = measured_criteria(system)
    state, verdict, sentence = _verdict(findings, criteria)
    monitoring = system.use_case.monitoring
    windows = f"the last {monitoring.recent_hours:g} h against {monitoring.baseline_days:g} days before"
    return StatusPage(
        title=system.use_case.name,
        verdict=verdict,
        state=state,
        sentence=sentence,
        facts={"measured": moment(system.now), **({"of": where} if where else {}), "comparing": windows},
        tiles=dict(_tiles(system)),
        findings=tuple(sorted(findings, key=lambda one: (one.severity != "high", one.since))),
        closed=tuple(sorted(closed, key=lambda one: one.closed_at or one.seen_at, reverse=True)),
        criteria=tuple(sorted(criteria, key=lambda one: _ORDER.index(one.state))),
        sections=tuple(_sections(system)),
        steps=tuple(steps),
        gpu_hours=float(gpu_hours_of(system, system.recent_since)["value"].sum()),
    )


def measured_criteria(system: System) -> list[MeasuredCriterion]:
    """The use case's criteria with their latest values."""
    frame = pd.DataFrame() if isinstance(system.metrics, Unreadable) else system.metrics
    latest = {row.name: row for row in map(_metric, _latest(frame)) if row}
    return [_criterion(one, frame) for one in check(system.use_case.criteria, latest)]


def stale_after(system: System) -> datetime:
    """From when on the page is too old: its successor is overdue by as much as a run may take.

    Where no schedule is active, as on a laptop, a page counts for a day.
    """
    job = None if isinstance(system.runs, Unreadable) else system.runs.find("monitor")
    horizon = system.now + timedelta(days=32)
    due = [one for one in (job.due(horizon) if job else ()) if one > system.now]
    return (
        due[0] + max(timedelta(minutes=30), (due[1] - due[0]) / 2) if len(due) > 1 else system.now + timedelta(days=1)
    )


def _verdict(findings: Sequence[Finding], criteria: Sequence[MeasuredCriterion]) -> tuple[State, str, str]:
    high = sum(one.severity == "high" for one in findings)
    failed, unknown = ([one.name for one in criteria if one.state == state] for state in ("bad", "open"))
    parts = []
    if findings:
        of_high = "" if high == len(findings) else f", {high or 'none'} of them"
        parts.append(f"{_count(len(findings), 'finding')}{of_high} of high severity")
    if failed:
        parts.append(f"{_count(len(failed), 'criterion', 'criteria')} not met ({_words(failed)})")
    if unknown:
        parts.append(f"{_count(len(unknown), 'criterion', 'criteria')} not measured yet")
    if high or failed:
        return "bad", "Needs attention", "; ".join(parts) + "."
    if findings:
        return "open", "Worth a look", "; ".join(parts) + "."
    if criteria and len(unknown) == len(criteria):
        return "open", "Nothing measured yet", "Nothing was found, and no criterion has been measured yet."
    met = f"{len(criteria) - len(unknown)} of {len(criteria)} criteria are met" if unknown else "Every criterion is met"
    rest = f"; {', '.join(parts)}" if parts else ""
    return "good", "All well", f"Nothing was found. {met}{rest}."


def _criterion(one: Checked, frame: pd.DataFrame) -> MeasuredCriterion:
    outcome, state = _OUTCOMES[one.state]
    about = (
        ""
        if one.metric is None
        else f"{one.metric.n:,} {one.criterion.catalogued.count}, {one.metric.measured_at:%d %b %H:%M}"
    )
    value = one.value if one.metric else _UNKNOWN
    history = _history(one.criterion, frame)
    return MeasuredCriterion(
        one.criterion.measure, one.criterion.required, value, about, outcome, state, one.criterion.why, history
    )


def _history(criterion: Criterion, frame: pd.DataFrame) -> History | None:
    """The measure's values, evenly spaced, on a scale that has the limit in it."""
    if frame.empty:
        return None
    of_measure = frame[frame["name"] == criterion.measure].sort_values("measured_at")
    found = [float(value) for value in of_measure["value"].tail(_HISTORY) if math.isfinite(value)]
    if len(found) < 2:
        return None
    low, high = min([*found, criterion.limit]), max([*found, criterion.limit])
    reach = (high - low) or 1.0

    def y(value: float) -> float:
        return round(_HEIGHT - 3 - (_HEIGHT - 6) * (value - low) / reach, 1)

    step = 100 / (len(found) - 1)
    return History(tuple((round(n * step, 1), y(value)) for n, value in enumerate(found)), y(criterion.limit))


def _latest(frame: pd.DataFrame) -> Iterator[Mapping[str, object]]:
    if frame.empty:
        return
    newest = frame.sort_values("measured_at").groupby("name").tail(1)
    for row in newest.to_dict("records"):
        yield {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _metric(row: Mapping[str, object]) -> Metric | None:
    """The row; None for one that another version of ragops wrote otherwise."""
    at = pd.Timestamp(str(row["measured_at"])).to_pydatetime().astimezone(UTC)
    known = {name: value for name, value in row.items() if name in Metric.model_fields}
    try:
        return Metric.model_validate({"metric_id": "", "clusters": None, **known, "measured_at": at})
    except ValidationError:
        return None


def _tiles(system: System) -> Iterator[tuple[str, str]]:
    documents, index = system.documents, system.index
    if not isinstance(documents, Unreadable):
        yield "documents", f"{documents.documents:,}"
        yield "files waiting", f"{len(documents.waiting):,}"
        yield "in quarantine", f"{documents.quarantined:,}"
    if not isinstance(index, Unreadable) and index.published_at:
        yield "age of the index", lasting(system.now - index.published_at)
    asked = people(system)
    recent = asked[asked["asked_at"] >= system.recent_since] if len(asked) else asked
    if not isinstance(system.answers, Unreadable):
        yield "questions lately", f"{len(recent):,}"
    if len(recent):
        yield "without an answer", percent(recent["abstained"].notna().mean())
        yield "95 % wait less than", f"{recent['seconds'].quantile(0.95):.1f} s"
    if isinstance(system.feedback, pd.DataFrame) and len(system.feedback):
        yield "thumbs down", percent((system.feedback["verdict"] == "down").mean())
    if isinstance(system.calls, pd.DataFrame) and len(system.calls):
        lately = system.calls[system.calls["called_at"] >= system.recent_since]
        yield "cost lately", f"{lately['cost'].sum():,.3g}"
    if len(gpu_hours_of(system, system.baseline_since)):
        yield "GPU hours lately", f"{gpu_hours_of(system, system.recent_since)['value'].sum():,.1f}"


def _sections(system: System) -> Iterator[Section]:
    freshness = [*_unknown(system, "documents", "index", "runs"), *_index_notes(system)]
    yield Section("Freshness", tuple(freshness_pictures(system)), tuple(freshness))
    notes = [*_unknown(system, "answers", "feedback")]
    if not isinstance(system.answers, Unreadable) and not len(people(system)):
        notes.append(NOTHING_ASKED)
    elif isinstance(system.feedback, pd.DataFrame) and not len(system.feedback):
        notes.append(NO_VERDICTS)
    yield Section("Questions and answers", tuple(question_pictures(system)), tuple(notes))
    costs = tuple(cost_pictures(system))
    missing = [*_unknown(system, "calls")]
    if not costs and not missing:
        missing.append("No language model was called in this time.")
    missing += _gpu_notes(system)
    yield Section("Waiting and cost", costs, tuple(missing))


def _unknown(system: System, *sources: str) -> Iterator[str]:
    for name in sources:
        if isinstance(one := getattr(system, name), Unreadable):
            yield f"Nothing is known about {one.source}: {one.reason}"


def _gpu_notes(system: System) -> Iterator[str]:
    all_runs = gpu_hours_of(system, system.baseline_since)
    if len(all_runs):
        lately, monitoring = gpu_hours_of(system, system.recent_since)["value"].sum(), system.use_case.monitoring
        before = all_runs["value"].sum() - lately
        yield (
            f"The task embed took {lately:,.1f} GPU hours in the last {monitoring.recent_hours:g} h, and "
            f"{before:,.1f} in the {monitoring.baseline_days:g} days before, without the time in which clusters start."
        )


def _index_notes(system: System) -> Iterator[str]:
    if not isinstance(system.index, Unreadable) and not system.index.generation:
        yield "There is no index yet; the job refresh makes one."


def _words(names: Sequence[str]) -> str:
    shown = [name.replace("_", " ") for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
