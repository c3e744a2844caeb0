"""The worst questions: those that lost most against the champion, then those with the lowest values."""

import math
from datetime import UTC, datetime

from ragops.quality.evaluation.answers import CHECKS, Passage, Row
from ragops.quality.evaluation.reports.worst import worst_questions
from ragops.quality.judges.rows import Judgment
from ragops.quality.questions import Question

NAMES = ("lost", "bad", "fine", "gone")
QUESTIONS = [
    Question(question_id=name, question=f"{name}?", kind="k", topic=name, anchor="a", answer=f"the {name} one")
    for name in NAMES
]


def row(name: str, supported: float, error: str | None = None) -> Row:
    nothing = dict.fromkeys(CHECKS, math.nan)
    values = nothing if error else nothing | {"answered": 1.0, "supported": supported}
    cited = (Passage("a.md", "a passage", True),)
    return Row(
        name, name, f"{name}?", f"{name}!", ("a.md",), values, 0.5, error, passages=cited, answer_id=f"id {name}"
    )


def judgment(name: str, score: float | None) -> Judgment:
    state = "unparsed" if score is None else "scored"
    known = {"judgment_id": "j", "inputs": "i", "answer_id": f"id {name}", "question_id": name, "question": "?"}
    rest = {"cluster": name, "judge_version": "v", "model": "m", "verdict": None, "details": None}
    return Judgment(**known, **rest, judge="groundedness", state=state, score=score, reason=f"of {name}",
                    judged_at=datetime.now(UTC))  # fmt: skip


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


def test_only_so_many_are_shown() -> None:
    assert len(worst_questions(QUESTIONS, OWN, (), most=1)) == 1
