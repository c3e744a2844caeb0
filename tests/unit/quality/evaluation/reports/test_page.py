"""The page of an evaluation: everything on it is escaped, it fetches nothing, and it says what is missing."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.evaluation.answers import Passage
from ragops.quality.evaluation.reports.page import plots, render
from ragops.quality.evaluation.reports.page_content import Changed, Judged, Measured, Page, Required, Side, Spent, Worst
from ragops.quality.statistics.intervals import Interval
from ragops.quality.statistics.paired import Comparison

NAN = math.nan
BETTER = Comparison(Interval(0.2, 0.1, 0.3, 24), 0.5, 0.001, "McNemar", 0.002, 58, 9, 0.11)
OWN = Interval(0.6, 0.5, 0.7, 24)
SIDE = Side("It leaves at eight [1].", (Passage("ferry.md", "It leaves at eight.", True),), None, {"supported": 1.0})
PAGE = Page(
    title="notes: chain version 4",
    verdict="Not promoted",
    state="bad",
    sentence="abstained is worse than the champion's",
    facts={"measured": "2026-11-30"},
    tiles={"questions": "60"},
    changed=(Changed("prompt", "brief", "cite_or_abstain"),),
    measured=(Measured("supported", "answers with a source", OWN, 58, OWN, BETTER, 0.004, "better", 0.05),),
    required=(Required("groundedness", "at least 0.8", "missing", "missing", "bad", "readers trust it"),),
    judged=(Judged("groundedness", OWN, OWN, None, None, 0, False, "no labels yet", {"scored": 50, "unparsed": 7}),),
    without_judges="",
    worst=(Worst("q1", "When?", "at eight", SIDE, SIDE),),
    errors={"model served: HTTP 500": 2},
    spent=(Spent("judging", 180, 4000, 300, 0.5), Spent("people", None, None, None, NAN)),
)


class Reader(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def test_everything_that_decided_is_on_the_page() -> None:
    shown = Reader(render(PAGE)).words
    for said in (
        "Not promoted abstained is worse than the champion's",
        "brief cite_or_abstain",
        "What improved supported +0.200 (+0.10 to +0.30)",
        "What got worse Nothing by more than chance.",
        "readers trust it at least 0.8 missing missing",
        "McNemar 0.002",
        "9 of 58 differ",
        "50 scored , 7 unparsed informs no labels yet",
        "model served: HTTP 500 2",
        "judging 180 4,000 300 0.5000",
        "people – – – –",
        "q1 · expected: at eight",
    ):
        assert said in shown


def test_without_a_champion_nothing_is_compared() -> None:
    alone = replace(PAGE, changed=None, measured=(Measured("supported", "answers with a source", OWN, 58),))
    shown = Reader(render(alone)).words
    assert "supported answers with a source 0.600 0.50 to 0.70 58" in shown
    assert "champion" not in shown.replace("champion's", "").replace("version", "")
    assert plots(alone) == {}


def test_the_page_says_that_no_judge_ran_and_that_nothing_changed() -> None:
    shown = Reader(render(replace(PAGE, judged=(), without_judges="No judge ran: none is set.", changed=()))).words
    assert "No judge ran: none is set." in shown
    assert "Nothing: configuration, index generation and documents are the champion's." in shown


def test_an_answer_that_failed_shows_its_error() -> None:
    failed = Worst("q1", "When?", "", Side("", (), "model served: it is down", {}), None)
    shown = Reader(render(replace(PAGE, worst=(failed,)))).words
    assert "model served: it is down" in shown and "It was not asked." in shown


@given(st.text(st.characters(), max_size=60))
def test_no_text_becomes_markup(text: str) -> None:
    """The same tags and attributes whatever questions, answers, paths and errors say, lone surrogates included."""
    side = Side(text, (Passage(text, text, True),), None, {"supported": 0.0}, {"groundedness": text})
    question = Worst(text, text, f"x{text}", side, replace(side, error=f"x{text}"))
    plain = replace(PAGE, worst=(Worst("q", "q", "x", replace(side, answer="a", reasons={"groundedness": "a"}),
                                       replace(side, error="x")),), sentence="s", errors={"e": 1})  # fmt: skip
    hostile = replace(plain, worst=(question,), sentence=text, errors={text: 1})
    html = render(hostile)
    html.encode()
    assert Reader(html).tags == Reader(render(plain)).tags


def test_it_fetches_nothing_and_runs_nothing() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> ![](http://example.com/x.png)"
    html = render(replace(PAGE, worst=(Worst("q", evil, evil, replace(SIDE, answer=evil), None),)))
    reader = Reader(html)
    assert {"script", "img", "link", "iframe", "a"}.isdisjoint(tag for tag, _ in reader.tags)
    assert not [name for _, given in reader.tags for name in given if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"url\(|@import", html)
    (policy,) = (given["content"] for _, given in reader.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@pytest.mark.parametrize("reach", [0.001, 0.3, 1.0])
def test_differences_are_drawn_on_one_scale_around_zero(reach: float) -> None:
    wide = replace(BETTER, difference=Interval(0.0, -reach, reach, 24))
    drawn = plots(replace(PAGE, measured=(*PAGE.measured, Measured("wide", "w", OWN, 58, OWN, wide, 0.5, "", 0.05))))
    for one in drawn.values():
        assert 0 <= one.low <= one.mean <= one.high <= 100 and one.zero == 50
        assert one.margin is not None and 0 <= one.margin < 50
    assert drawn["supported"].low > 50 and drawn["wide"].mean == 50


def test_a_comparison_without_an_interval_has_no_picture() -> None:
    one = replace(PAGE.measured[0], paired=replace(BETTER, difference=Interval(0.2, NAN, NAN, 1)))
    page = replace(PAGE, measured=(one,))
    assert plots(page) == {} and "supported" in render(page)


def test_an_effect_without_a_number_is_a_dash() -> None:
    """All questions differ by the same: the differences have no standard deviation."""
    one = replace(PAGE.measured[0], paired=replace(BETTER, effect_size=math.inf))
    shown = Reader(render(replace(PAGE, measured=(one,)))).words
    assert "– 9 of 58 differ" in shown and "+inf" not in shown
