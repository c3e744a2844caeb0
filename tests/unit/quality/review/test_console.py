"""What `ragops judges agreement` and `align` print: within 80 columns, a dash for what cannot be computed."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from ragops.quality.judges.align import Alignment
from ragops.quality.judges.examples import CorrectedCases
from ragops.quality.review.agreement import JudgeAgreement, alignment_json, compared, opinions
from ragops.quality.review.console import print_agreements, print_alignment
from ragops.quality.statistics.intervals import Interval
from tests.support.reviews import a_judgment, a_row

IDS = [f"resp_{number}" for number in range(30)]


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=80)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    return " ".join(text.split())


def against(good: list[bool], min_kappa: float = 0.6) -> JudgeAgreement:
    """The judge with the longest name, which calls every third answer bad; people say what is given."""
    judged = {key: a_judgment(key, number % 3 != 0, cluster=key) for number, key in enumerate(IDS)}
    rows = [a_row(key, verdict="good" if one else "bad") for key, one in zip(IDS, good, strict=True)]
    people = opinions(rows)["groundedness"]
    return compared("context_relevance", judged, people, dict.fromkeys(IDS, "random"), min_kappa)


def test_a_judge_that_agrees_decides_and_one_that_does_not_is_marked(console: Console) -> None:
    right = against([number % 3 != 0 for number in range(30)])
    wrong = against([number % 3 == 0 for number in range(30)])
    print_agreements(console, [right, wrong], 0.6)
    text = printed(console)
    assert "decides" in text and "informs only" in text
    assert "kappa is below 0.6 (evaluation.min_kappa)" in text


def test_labels_that_do_not_count_are_listed_by_reason(console: Console) -> None:
    found = replace(against([True] * 30), disputed=2, not_random=3, not_judged=4)
    print_agreements(console, [found], 0.6)
    text = printed(console)
    for part in ("3 not drawn at random", "2 reviewers divided", "4 not judged by this version"):
        assert part in text


def test_without_labels_figures_are_dashes(console: Console) -> None:
    print_agreements(console, [compared("groundedness", {IDS[0]: a_judgment(IDS[0])}, {}, {}, 0.6)], 0.6)
    assert " nan" not in printed(console)
    print_agreements(console, [], 0.6)
    assert "ragops judges run" in printed(console)


@pytest.mark.parametrize("kept", [None, "/judges/groundedness.jsonl"])
def test_an_alignment_shows_both_versions_and_where_examples_are_kept(console: Console, kept: str | None) -> None:
    before = against([number % 2 == 0 for number in range(30)]).with_people
    after = against([number % 3 != 0 for number in range(30)]).with_people
    versions, rise = ("0123456789ab", "ba9876543210"), Interval(0.9, 0.5, 1.0, 30)
    found = Alignment(
        "groundedness", versions, before, after, rise, CorrectedCases(()), True, "It helps.", (400, 1600), 0.5, ()
    )
    print_alignment(console, found, kept)
    text = printed(console)
    assert "0123456789ab" in text and "ba9876543210" in text and "1,600" in text
    assert (kept or "nothing was written") in text
    assert alignment_json(found)["after"]["kappa"]["value"] == 1
