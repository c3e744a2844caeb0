"""Alignment over a real HTTP server: examples are kept if the judge then agrees with people, and else are not."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ragops.errors import UserError
from ragops.quality.judges.align import Alignment, Case, align, kappa_difference
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.run import judge_all
from tests.support.judging import item, judges_at, verdicts
from tests.support.openai_double import Behavior, OpenAIDouble, serving

WORDS = [
    "anchor",
    "barge",
    "canal",
    "dock",
    "estuary",
    "fjord",
    "gulf",
    "harbor",
    "island",
    "jetty",
    "keel",
    "lagoon",
    "mast",
    "oar",
    "pier",
    "quay",
    "reef",
    "sail",
]


def case(number: int, **changes: Any) -> Case:
    """Every third answer evades the question: people call it bad. No two questions are nearly the same."""
    evades = number % 3 == 0
    name = f"{WORDS[number % len(WORDS)]} {WORDS[number * 7 % len(WORDS)]} {number}"
    answer = f"That depends, says the {name}." if evades else f"The {name} opens at eight."
    own = item(number, question=f"When does the {name} open?", answer=answer, cluster=f"doc {number % 10}")
    return Case(**({"item": own, "good": not evades} | changes))


CASES = [case(number) for number in range(36)]


def generous(body: dict[str, Any]) -> Behavior:
    """A judge that finds everything good, whatever it is shown."""
    return Behavior(text=verdicts(body))


def learning(body: dict[str, Any]) -> Behavior:
    """One that finds evasions bad once an example of one says so."""
    *examples, asked = (message["content"] for message in body["messages"] if message["role"] == "user")
    replies = [json.loads(one["content"]) for one in body["messages"] if one["role"] == "assistant"]
    shown = any("depends" in text and reply["verdict"] == "no" for text, reply in zip(examples, replies, strict=True))
    return Behavior(text=verdicts(body, "no" if shown and "depends" in asked else "yes"))


def confused(body: dict[str, Any]) -> Behavior:
    """One that finds evasions bad by itself, but misses one in six, and finds everything bad once it has examples."""
    if any(message["role"] == "assistant" for message in body["messages"]):
        return Behavior(text=verdicts(body, "no"))
    asked = body["messages"][-1]["content"]
    return Behavior(text=verdicts(body, "no" if "depends" in asked and "anchor" not in asked else "yes"))


def broken(body: dict[str, Any]) -> Behavior:
    """One that finds everything good, and writes prose once it has examples."""
    if any(message["role"] == "assistant" for message in body["messages"]):
        return Behavior(text="It depends.")
    return generous(body)


@contextmanager
def judging(answer: Callable[[dict[str, Any]], Behavior]) -> Iterator[tuple[Judges, OpenAIDouble]]:
    with serving(answer=answer) as double:
        yield judges_at(double.url, "answer_relevance"), double


def ask(items: Sequence[AnswerToJudge], judges: Judges) -> Bill:
    return judge_all(items, judges)


def aligned(answer: Callable[[dict[str, Any]], Behavior], cases: Sequence[Case] = CASES) -> Alignment:
    with judging(answer) as (judges, _):
        return align(judges, cases, ask)


def test_examples_that_help_are_kept() -> None:
    found = aligned(learning)
    assert found.keeps, found.reason
    assert (found.before.kappa.mean, found.after.kappa.mean) == (0, 1)
    assert len(found.examples.examples) == 12
    assert found.versions[0] != found.versions[1]
    assert {one.judge_version for one in found.judgments} == {found.versions[1]}
    assert found.tokens[1] > found.tokens[0] and found.cost > 0


def test_examples_that_change_nothing_are_not_kept() -> None:
    found = aligned(generous)
    assert not found.keeps and "nothing is kept" in found.reason
    assert found.before.kappa.mean == found.after.kappa.mean == 0


@pytest.mark.parametrize("judge", [confused, broken])
def test_examples_that_harm_are_not_kept(judge: Callable[[dict[str, Any]], Behavior]) -> None:
    found = aligned(judge)
    assert not found.keeps
    assert found.after.kappa.mean <= found.before.kappa.mean


def test_no_case_is_judged_with_an_example_of_its_own_cluster() -> None:
    with judging(generous) as (judges, double):
        found = align(judges, CASES, ask)
    asked = [body["messages"] for body in double.bodies]
    by_question = {one.item.question: one.item.cluster for one in CASES}
    seen = 0
    for messages in asked:
        users = [message["content"] for message in messages if message["role"] == "user"]
        *examples, own = (next(by_question[q] for q in by_question if q in text) for text in users)
        assert own not in examples
        seen += len(examples)
    assert seen == 3 * len(CASES)
    assert found.examples.examples


def test_cases_that_were_not_drawn_at_random_are_examples_but_decide_nothing() -> None:
    more = [case(number, at_random=False) for number in range(40, 70)]
    found = aligned(learning, [*CASES, *more])
    assert found.after.n == len(CASES)
    assert len(found.examples.examples) == 12 + 10


def test_a_case_with_restricted_passages_does_not_become_an_example() -> None:
    found = aligned(learning, [replace(one, shareable=False) for one in CASES])
    assert (found.keeps, found.examples.examples) == (False, ())
    assert "no case can become an example" in found.reason


def test_a_judge_that_people_never_contradict_stays_as_it_is() -> None:
    cases = [replace(one, good="depends" not in one.item.answer) for one in CASES]

    def right(body: dict[str, Any]) -> Behavior:
        return Behavior(text=verdicts(body, "no" if "depends" in body["messages"][-1]["content"] else "yes"))

    found = aligned(right, cases)
    assert not found.keeps and found.before.kappa.mean == 1
    assert len(found.judgments) == len(cases)


def test_a_run_that_ends_early_decides_nothing() -> None:
    def within_a_budget(items: Sequence[AnswerToJudge], judges: Judges) -> Bill:
        return judge_all(items, judges, budget=1e-9 if judges.judges[0].examples.version else None, workers=1)

    with judging(learning) as (judges, _):
        found = align(judges, CASES, within_a_budget)
    assert not found.keeps and "not all cases were judged" in found.reason


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        (CASES[:19], "at least 20"),
        ([replace(one, at_random=False) for one in CASES], "0 labelled answers"),
        ([replace(one, item=replace(one.item, cluster="one")) for one in CASES], "in 1 clusters"),
        ([replace(one, good=True) for one in CASES], "all 36 answers good"),
    ],
)
def test_too_few_labels_are_an_error_before_anything_is_asked(cases: list[Case], reason: str) -> None:
    with judging(learning) as (judges, double):
        with pytest.raises(UserError, match=reason):
            align(judges, cases, ask)
        assert double.bodies == []


def test_the_difference_of_kappas_is_paired() -> None:
    people = [number % 2 == 0 for number in range(60)]
    before = [one if number % 6 else not one for number, one in enumerate(people)]
    clusters = [str(number % 15) for number in range(60)]
    better = kappa_difference(before, people, people, clusters)
    worse = kappa_difference(people, before, people, clusters)
    assert better.mean == pytest.approx(-worse.mean) and better.sign == 1 and worse.sign == -1
    assert kappa_difference(before, before, people, clusters)[:3] == (0, 0, 0)
