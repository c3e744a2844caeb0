"""A judge against people: what counts, what is left out and counted, and what cannot be computed."""

import pytest

from ragops.quality.review.agreement import compared, opinions
from ragops.quality.review.items import counted
from ragops.quality.review.rows import Stratum
from tests.support.reviews import NOON, a_judgment, a_row

IDS = [f"resp_{number}" for number in range(40)]
RANDOM: dict[str, Stratum] = dict.fromkeys(IDS, "random")


def judged_as(good: dict[str, bool]) -> dict[str, object]:
    return {key: a_judgment(key, is_good, cluster=f"doc-{key[-1]}") for key, is_good in good.items()}


def test_only_labels_of_reviewers_count_and_of_each_one_the_first() -> None:
    first = a_row("resp_1", verdict="bad")
    rows = [
        a_row("resp_1", verdict="good", labelled_at=NOON.replace(hour=13)),
        first,
        a_row("resp_1", reviewer="stranger"),
        a_row("resp_1", reviewer="omar"),
    ]
    found = counted(rows, ("jane", "omar"))
    assert {(one.reviewer, one.verdict) for one in found} == {("jane", "bad"), ("omar", "good")}


def test_most_reviewers_decide_and_a_tie_decides_nothing() -> None:
    said = {"resp_1": {"a": "good", "b": "bad", "c": "bad"}, "resp_2": {"a": "bad", "b": "good"}}
    rows = [a_row(key, reviewer=name, verdict=one) for key, own in said.items() for name, one in own.items()]
    people = opinions(rows)["groundedness"]
    assert people["resp_1"].good is False and people["resp_1"].opinions == (True, False, False)
    assert people["resp_2"].good is None and people["resp_2"].opinions == (False, True)


def test_a_judge_that_agrees_decides_and_its_rate_stays() -> None:
    good = {key: number % 4 != 0 for number, key in enumerate(IDS)}
    rows = [a_row(key, verdict="good" if good[key] else "bad") for key in IDS]
    found = compared("groundedness", judged_as(good), opinions(rows)["groundedness"], RANDOM, 0.6)
    assert (found.with_people.kappa.mean, found.with_people.n, found.with_people.positives) == (1, 40, 30)
    assert found.decides
    assert found.raw.mean == pytest.approx(0.75)
    assert found.prediction_powered.mean == pytest.approx(0.75)


def test_a_judge_that_calls_everything_good_only_informs_and_is_corrected() -> None:
    people_good = {key: number % 2 == 0 for number, key in enumerate(IDS)}
    more = [f"other_{number}" for number in range(100)]
    judged = judged_as(dict.fromkeys([*IDS, *more], True))
    rows = [a_row(key, verdict="good" if people_good[key] else "bad") for key in IDS]
    found = compared("groundedness", judged, opinions(rows)["groundedness"], RANDOM, 0.6)
    assert not found.decides
    assert found.with_people.specificity.mean == 0
    assert (found.raw.mean, found.judged) == (1, 140)
    assert found.prediction_powered.mean == pytest.approx(0.5)


def test_what_does_not_count_is_counted() -> None:
    judged = judged_as(dict.fromkeys(IDS[:5], True))
    strata = RANDOM | {IDS[0]: "thumbs down", IDS[1]: "disagreement"}
    rows = [a_row(key) for key in IDS[:6]] + [a_row(IDS[2], reviewer="omar", verdict="bad")]
    found = compared("groundedness", judged, opinions(rows)["groundedness"], strata, 0.6)
    assert (found.not_random, found.disputed, found.not_judged) == (2, 1, 1)
    assert found.with_people.n == 2
    assert found.between_people.n == 1


def test_without_labels_a_judge_does_not_decide_and_json_has_nulls() -> None:
    found = compared("groundedness", judged_as({IDS[0]: True}), {}, {}, 0.6)
    assert not found.decides
    said = found.as_json()
    assert said["with_people"]["n"] == 0 and said["with_people"]["kappa"]["value"] is None
    assert said["raw"]["value"] == 1
