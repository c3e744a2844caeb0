"""The worst questions: those that lost most against the champion, then those with the lowest values."""

from ragops.quality.evaluation.reports.worst import worst_questions
from tests.support.judged import answer as row
from tests.support.judged import asked, judgment

NAMES = ("lost", "bad", "fine", "gone")
QUESTIONS = asked(NAMES)


OWN = [row("lost", 0.0), row("bad", 0.0), row("fine", 1.0), row("gone", 0.0, "it is down")]


def test_what_was_lost_against_the_champion_comes_first() -> None:
    champion = [row("lost", 1.0), row("bad", 0.0), row("fine", 1.0), row("gone", 1.0)]
    found = worst_questions(QUESTIONS, OWN, (), champion)
    assert [one.question_id for one in found] == ["gone", "lost", "bad"]
    gone, lost, _ = found
    assert (gone.own.error, gone.champion and gone.champion.answer) == ("it is down", "gone!")
    assert (lost.question, lost.expected, lost.own.passages) == ("lost?", "the lost one", OWN[0].passages)


def test_a_champion_that_failed_has_nothing_to_lose_against() -> None:
    champion = [row(name, 0.0, "down") for name in NAMES]
    assert [one.question_id for one in worst_questions(QUESTIONS, OWN, (), champion)] == ["gone", "lost", "bad"]


def test_without_a_champion_the_lowest_values_come_first() -> None:
    judged = [judgment("lost", 0.4), judgment("bad", 0.1)]
    found = worst_questions(QUESTIONS, OWN, judged)
    assert [one.question_id for one in found] == ["gone", "bad", "lost"]
    assert found[0].champion is None
    assert found[1].own.reasons == {"groundedness": "of bad"} and found[1].own.values["groundedness"] == 0.1


def test_a_judge_without_a_verdict_says_why_and_has_no_value() -> None:
    (found,) = worst_questions(QUESTIONS, [row("bad", 0.0)], [judgment("bad", None)])
    assert "groundedness" not in found.own.values and found.own.reasons == {"groundedness": "of bad"}


def test_at_most_the_given_number_is_shown() -> None:
    assert len(worst_questions(QUESTIONS, OWN, (), most=1)) == 1
