"""What a release and an evaluation both show: judges with the trust they have, failures counted, and the bill."""

import math

import pytest

from ragops.quality.evaluation.reports.pages import Trust, errors, judged, judging_notes, spent, tiles
from ragops.quality.judges.bill import Bill
from ragops.quality.statistics.agreement import Agreement
from ragops.quality.statistics.intervals import Interval
from ragops.usecase.evaluation import Evaluation
from tests.support.judged import answer, judgment

SETTINGS = Evaluation(min_kappa=0.6, hourly_rate=36, label_seconds=100)
NAN = math.nan
SAID = [judgment("a", 1.0), judgment("b", 0.0), judgment("c", None), judgment("d", None, state="refused")]


def trust(kappa: float, low: float, n: int = 50) -> Trust:
    known = Interval(kappa, low, 0.9, 15)
    return Trust(Agreement(known, known, known, n, n // 2), Interval(0.4, 0.3, 0.5, 15))


@pytest.mark.parametrize(
    ("trusted", "decides", "why"),
    [
        (trust(0.7, 0.4), True, "kappa reaches 0.60"),
        (trust(0.5, 0.4), False, "kappa 0.50 is below 0.60"),
        (trust(0.7, -0.1), False, "kappa 0.70 may be chance: too few labels"),
        (trust(NAN, NAN), False, "judge or people all say the same, so kappa is not defined"),
        (trust(NAN, NAN, n=0), False, "nobody has labelled answers yet"),
        (Trust(), False, "nobody has labelled answers yet"),
    ],
)
def test_a_judge_decides_if_people_agree_with_it(trusted: Trust, decides: bool, why: str) -> None:
    (found,) = judged(SAID, {"groundedness": trusted}, SETTINGS)
    assert (found.decides, found.why) == (decides, why)
    assert (found.rate.mean, found.good.mean) == (0.5, 0.5) and found.corrected == trusted.corrected


def test_every_state_is_counted() -> None:
    (found,) = judged(SAID, {}, SETTINGS, {"groundedness": {"abstained": 3}})
    assert found.states == {"scored": 2, "refused": 1, "error": 0, "unparsed": 1}
    assert found.not_judged == "3 abstained"
    failed = [answer("a"), answer("b", error="it is down"), answer("c", error="it is down")]
    assert errors(failed, SAID) == {
        "it is down": 2,
        "judge groundedness: unparsed": 1,
        "judge groundedness: refused": 1,
    }
    shown = tiles(failed, SAID, [0.2, 0.0, 0.0])
    assert (
        shown["errors"] == "2" and shown["judgments, 2 without a verdict"] == "4" and shown["an answer costs"] == "0.2"
    )
    assert tiles(failed[1:], [], [0.0, 0.0])["an answer costs"] == "–"


def test_a_judge_that_gave_no_verdict_has_no_rate() -> None:
    (found,) = judged(SAID[2:], {}, SETTINGS)
    assert math.isnan(found.rate.mean) and found.states["unparsed"] == 1


def test_the_bill_compares_judges_with_people() -> None:
    rows = [answer("a"), answer("b"), answer("c", error="it is down")]
    said = [judgment("a", 1.0), judgment("b", 1.0, cached=True), judgment("a", 1.0, judge="answer_relevance")]
    answering, judging, people = spent(rows, said, [0.5, 0.25, 0.0], SETTINGS)
    assert (answering.calls, answering.read, answering.written, answering.cost) == (2, 2000, 200, 0.75)
    assert (judging.calls, judging.read, judging.written, judging.cost) == (2, 1000, 40, 0.02)
    assert judging.note == "1.5 for each answer; 1 more copied from earlier runs"
    assert people.cost == 3 * 100 / 3600 * 36 and people.calls is None
    _, judging, _ = spent(rows, said, [0.5, 0.25, 0.0], SETTINGS, reused_cost=0.01)
    assert judging.note.endswith("1 more copied from earlier runs, where they cost 0.01")


def test_without_judges_or_a_rate_nothing_is_compared() -> None:
    (answering,) = spent([answer("a")], [], [0.5], SETTINGS)
    assert answering.what == "answering"
    *_, people = spent([answer("a")], SAID, [0.5], Evaluation())
    assert math.isnan(people.cost) and "evaluation.hourly_rate" in people.note


def test_a_run_that_ended_early_says_what_is_missing() -> None:
    stopped = Bill(tuple(SAID), {"groundedness": 9}, stopped="the budget of 2 is used up")
    assert list(judging_notes(stopped)) == [
        "judging ended early: the budget of 2 is used up; 5 of 9 judgments were not made"
    ]
    assert list(judging_notes(Bill(tuple(SAID), {"groundedness": 4}))) == []
