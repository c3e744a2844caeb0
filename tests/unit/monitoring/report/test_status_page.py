"""The status page: what it says of a system, in every state; tests/e2e/test_status_page.py looks at it."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.corpus.index.access import AccessRule
from ragops.monitoring.finding import Unreadable
from ragops.monitoring.report.build import NO_VERDICTS, NOTHING_ASKED, stale_after, status_page
from ragops.monitoring.report.content import StatusPage, Step
from ragops.monitoring.report.publish import publish_status
from ragops.monitoring.report.render import render
from ragops.monitoring.report.wording import how_much, how_sure, lasting
from ragops.monitoring.system.documents import WaitingFile
from ragops.monitoring.system.runs import RunsState
from ragops.monitoring.system.system import System
from ragops.platform.workspace import INDEXES, Workspace
from ragops.quality.feedback.rows import EVALUATION
from ragops.serving.server.status_files import AGE_MARK, read_page, read_summary
from tests.support.status_pages import (
    DAY,
    HOUR,
    NOW,
    USE_CASE,
    a_finding,
    empty_system,
    findings,
    healthy_system,
    job,
    measures,
    steps,
    unreadable_system,
)


class Texts(HTMLParser):
    """The texts of a page, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def names(page: StatusPage) -> list[str]:
    return [picture.name for section in page.sections for picture in section.pictures]


def notes(page: StatusPage) -> str:
    return " ".join(note for section in page.sections for note in section.notes)


def test_a_healthy_system_is_green() -> None:
    page = status_page(healthy_system(), [], where="main.rag")
    assert (page.state, page.verdict) == ("good", "All well") and "Every criterion is met" in page.sentence
    assert {one.state for one in page.criteria} == {"good"} and all(one.history for one in page.criteria)
    assert names(page) == ["timeline", "waits", "answers", "verdicts", "seconds", "cost"]
    assert page.tiles["documents"] == "1,284" and page.tiles["files waiting"] == "1"


def test_findings_come_first_and_the_worst_of_them_before_the_others() -> None:
    page = status_page(healthy_system(), findings(), steps=steps())
    assert (page.state, page.high, page.low) == ("bad", 2, 1)
    assert [one.severity for one in page.findings] == ["high", "high", "low"]
    html = render(page)
    order = [
        html.index(f"<h2>{name}</h2>")
        for name in ("Findings", "Next steps", "Criteria", "Freshness", "Waiting and cost")
    ]
    assert order == sorted(order)
    text = Texts(html).text
    for words in ("31.0 %, expected 9.0 %", "in one of 5,000,000 runs", "412 documents were deleted", "Ask some",
                  "ragops evaluate retrieval", "since 2026-11-29 16:15 UTC", "opened 2 times"):  # fmt: skip
        assert words in text, words


def test_only_low_findings_are_worth_a_look() -> None:
    page = status_page(healthy_system(), [a_finding(severity="low")])
    assert (page.state, page.verdict) == ("open", "Worth a look") and "none of them of high severity" in page.sentence


def test_a_criterion_that_is_not_met_is_red_without_any_finding_and_comes_first() -> None:
    worse = healthy_system(metrics=measures(np.random.default_rng(3), "recall_at_5"))
    page = status_page(worse, [])
    assert page.state == "bad" and "1 criterion not met (recall at 5)" in page.sentence
    assert (page.criteria[0].name, page.criteria[0].outcome) == ("recall_at_5", "not met")
    assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", page.criteria[0].measured)


def test_a_system_that_has_answered_nothing_says_so() -> None:
    page = status_page(empty_system(), [])
    assert (page.state, page.verdict) == ("open", "Nothing measured yet")
    assert NOTHING_ASKED in notes(page) and "no index yet" in notes(page) and names(page) == []
    html = render(page)
    assert "Nothing is proposed" in html and html.count("<table>") == html.count("<details") == 1


def test_without_verdicts_the_page_says_so() -> None:
    page = status_page(healthy_system(feedback=empty_system().feedback), [])
    assert NO_VERDICTS in notes(page) and "verdicts" not in names(page) and "thumbs down" not in page.tiles


def test_evaluation_questions_are_not_peoples() -> None:
    answers = healthy_system().answers
    assert isinstance(answers, pd.DataFrame)
    page = status_page(healthy_system(answers=answers.assign(who=EVALUATION)), [])
    assert NOTHING_ASKED in notes(page) and page.tiles["questions lately"] == "0"


@pytest.mark.parametrize("source", ["documents", "index", "runs", "answers", "calls", "feedback", "metrics", "traces"])
def test_a_source_that_cannot_be_read_is_named_and_the_rest_is_shown(source: str) -> None:
    page = status_page(healthy_system(**{source: Unreadable(source, "permission denied")}), [])
    html = render(page)
    assert len(names(page)) >= 3
    if source not in ("metrics", "traces"):
        assert f"Nothing is known about {source}: permission denied" in html


def test_a_system_of_which_nothing_can_be_read_has_a_page() -> None:
    page = status_page(unreadable_system(), [a_finding(check="source_unreadable")])
    assert page.state == "bad" and names(page) == [] and "Nothing is known about documents" in render(page)


def test_texts_are_escaped_and_pages_are_self_contained() -> None:
    evil = "<script>alert(1)</script> \u202e\x00 \ud800 ]]> & 'quoted'"
    found = a_finding(title=evil, details=evil, cause=evil, action=evil, command=evil)
    page = status_page(healthy_system(), [found], [found], [Step(evil, evil, evil, (evil,))], where=evil)
    html = render(page)
    html.encode()
    assert "script" not in Texts(html).tags and "alert(1)" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html) and "\x00" not in html
    assert html.count(AGE_MARK) == 1


def test_a_page_for_everyone_leaves_out_what_only_some_may_know() -> None:
    page = status_page(healthy_system(), findings(), steps=steps())
    whole, shared = render(page), render(page, details=False)
    for words in ("hr/contract-1.pdf", "How do I copy a nested list?"):
        assert words in whole and words not in shared
    assert "the run of the job monitor has them" in shared


@pytest.mark.parametrize("restricted", [False, True])
def test_the_server_gets_the_page_and_its_summary(
    restricted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Workspace, "volume", lambda self, name: tmp_path / name)
    rules = (AccessRule(path="hr/**", groups=("hr",)),) if restricted else ()
    case = USE_CASE.model_copy(update={"corpus": USE_CASE.corpus.model_copy(update={"access": rules})})
    page = status_page(healthy_system(), findings())
    publish_status(Workspace("main", "rag"), case, page, NOW, NOW + HOUR)
    summary = read_summary(tmp_path / INDEXES)
    assert summary is not None and (summary.state, summary.high, summary.low) == ("bad", 2, 1)
    assert (summary.measured_at, summary.stale_after) == (NOW, NOW + HOUR)
    assert ("hr/contract-1.pdf" in read_page(tmp_path / INDEXES)) != restricted


def monitored(cron: str, **fields: Any) -> System:
    return healthy_system(runs=RunsState((job("monitor", cron, timedelta(minutes=1)),)), **fields)


@pytest.mark.parametrize(
    ("cron", "after"),
    [("0 15 * * * ?", 1.5 * HOUR), ("0 0/10 * * * ?", timedelta(minutes=35)), ("0 15 12 * * ?", 1.5 * DAY), ("", DAY)],
)
def test_a_page_is_too_old_once_its_successor_is_overdue(cron: str, after: timedelta) -> None:
    assert stale_after(monitored(cron)) == NOW + after


def test_without_a_schedule_that_is_known_a_page_counts_for_a_day() -> None:
    assert stale_after(unreadable_system()) == stale_after(empty_system()) == NOW + DAY


def test_figures_in_words() -> None:
    assert how_much(a_finding(value=None)) == "" and how_much(a_finding(expected=None)) == "31.0 %"
    assert how_much(a_finding(value=12.0, expected=0.5, unit="s")) == "12.0 s, expected 0.5 s"
    assert how_sure(a_finding(p_value=None)).startswith("certain")
    assert how_sure(a_finding(p_value=0.0)) == "by chance in one of 1,000,000,000 runs"
    assert lasting(timedelta(seconds=-5)) == "less than a minute" and lasting(3 * DAY) == "3 days"


@settings(max_examples=15, deadline=None)
@given(ages=st.lists(st.floats(0, 60 * 24 * 400), max_size=4), newest=st.floats(0, 60 * 24 * 4000))
def test_files_of_any_age_are_drawn(ages: list[float], newest: float) -> None:
    documents = healthy_system().documents
    assert not isinstance(documents, Unreadable)
    waiting = tuple(
        WaitingFile(f"{n}", NOW - timedelta(minutes=age)) for n, age in enumerate(sorted(ages, reverse=True))
    )
    state = replace(documents, waiting=waiting, newest=NOW - timedelta(minutes=newest))
    page = status_page(empty_system(documents=state), [])
    assert names(page) == ["timeline"] and "svg" in page.sections[0].pictures[0].svg
    sentence = page.sections[0].pictures[0].sentence
    assert ("which is too long" in sentence) == (max(ages, default=0) > USE_CASE.sla.freshness_minutes)


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e12])
def test_unusual_values_of_a_measure_are_drawn(value: float) -> None:
    frame = measures(np.random.default_rng(1))
    frame.loc[frame["name"] == "seconds_p95", ["value", "low", "high"]] = (value, None, None)
    page = status_page(healthy_system(metrics=frame), [])
    (criterion,) = (one for one in page.criteria if one.name == "seconds_p95")
    assert criterion.history is not None and "nan" not in criterion.history.line


def test_a_value_that_no_version_writes_counts_as_not_measured() -> None:
    frame = measures(np.random.default_rng(1))
    frame.loc[frame["name"] == "seconds_p95", "value"] = float("inf")
    page = status_page(healthy_system(metrics=frame), [])
    (criterion,) = (one for one in page.criteria if one.name == "seconds_p95")
    assert (criterion.outcome, criterion.history) == ("not measured", None)
