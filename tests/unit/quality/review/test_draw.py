"""The draw depends on the answers alone, fills each stratum, and keeps what it has drawn."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.review.draw import OPEN, Candidate, draw, position, reviewers_needed
from ragops.quality.review.rows import Stratum

IDS = st.lists(st.uuids().map(lambda one: f"resp_{one.hex}"), unique=True, max_size=200)


def many(count: int, **fields: bool) -> list[Candidate]:
    return [Candidate(f"resp_{number}", **fields) for number in range(count)]


@given(IDS, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(ids: list[str], chance: Random) -> None:
    answers = [Candidate(one, judged=True, thumbs_down=number % 3 == 0) for number, one in enumerate(ids)]
    shuffled = list(answers)
    chance.shuffle(shuffled)
    assert draw(shuffled, {}, ()) == draw(answers, {}, ())


def test_each_stratum_takes_its_answers_and_random_ones_first() -> None:
    answers = [replace(one, thumbs_down=True, disagreement=True) for one in many(300, judged=True)]
    drawn = draw(answers, {}, ())
    counts = {stratum: list(drawn.values()).count(stratum) for stratum in OPEN}
    assert counts == OPEN
    first = sorted((one.answer_id for one in answers), key=position)[: OPEN["random"]]
    assert {key for key, stratum in drawn.items() if stratum == "random"} == set(first)


def test_what_is_known_of_an_answer_does_not_change_whether_it_is_drawn_at_random() -> None:
    plain = many(300, judged=True)
    marked = [replace(one, thumbs_down=position(one.answer_id, "x") < 0.5) for one in plain]

    def at_random(answers: list[Candidate]) -> set[str]:
        return {key for key, stratum in draw(answers, {}, ()).items() if stratum == "random"}

    assert at_random(marked) == at_random(plain)


def test_only_what_is_missing_is_drawn_again() -> None:
    answers = many(200, judged=True)
    drawn: dict[str, Stratum] = dict(draw(answers, {}, ()))
    assert draw(answers, drawn, ()) == {}
    finished = sorted(drawn, key=position)[:7]
    more = draw(answers, drawn, finished)
    assert len(more) == 7 and not more.keys() & drawn.keys()


def test_answers_that_are_gone_make_room() -> None:
    answers = many(200, judged=True)
    drawn = draw(answers, {}, ())
    left = [one for one in answers if one.answer_id not in drawn]
    assert len(draw(left, drawn, ())) == OPEN["random"]


def test_once_answers_are_judged_only_those_are_drawn_at_random() -> None:
    judged = many(10, judged=True)
    others = [Candidate(f"other_{number}") for number in range(10)]
    assert draw(judged + others, {}, ()).keys() == {one.answer_id for one in judged}
    assert draw(others, {}, ()).keys() == {one.answer_id for one in others}


def test_a_fifth_of_the_answers_needs_two_reviewers_where_there_are_two() -> None:
    ids = [f"resp_{number}" for number in range(2_000)]
    twice = sum(reviewers_needed(one, 2) == 2 for one in ids)
    assert 340 < twice < 460
    assert {reviewers_needed(one, 1) for one in ids} == {1}
