"""An answer's score is the mean of what applies, and its judgement says what was wrong and nothing of the documents."""

import math

import pytest

from ragops.quality.evaluation.answers import Outcome, checked
from ragops.quality.optimization.score import judgement, score
from ragops.quality.questions import Question

OTTER = Question(question_id="q", question="?", kind="k", topic="t", anchor="four fish", answer="Four fish.")
FRANCE = Question(question_id="f", question="?", kind="k", topic=None, anchor=None, answer=None)
GOOD, BAD = ("otter.md", "It eats four fish."), ("heron.md", "It stands in the reeds.")


def outcome(*cited: tuple[str, str], abstained: bool = False, removed: int = 0, quoted: bool = False) -> Outcome:
    written = 0 if quoted else len(cited)
    return Outcome("text", cited, abstained, written, removed, model="m", quoted=quoted, seconds=0.1)


@pytest.mark.parametrize(
    ("question", "answer", "worth", "said"),
    [
        (OTTER, outcome(GOOD), 1.0, "Right: it cites a passage that holds the answer."),
        (OTTER, outcome(BAD), 2 / 3, "Wrong: none of the passages that it cites holds the answer."),
        (OTTER, outcome(GOOD, removed=1), 2.5 / 3, "It cites 1 passages that it was not given."),
        (OTTER, outcome(BAD, quoted=True), 1 / 2, "It cited nothing, so the passages' own sentences had to"),
        (OTTER, outcome(abstained=True), 0.0, "Wrong: it says that there is no answer, though the documents hold"),
        (FRANCE, outcome(abstained=True), 1.0, "Right: it says that the passages do not answer this."),
        (FRANCE, outcome(BAD), 0.5, "Wrong: the passages do not answer this, and it should have said so"),
    ],
)
def test_each_fault_lowers_the_score_and_is_named(question: Question, answer: Outcome, worth: float, said: str) -> None:
    values = checked(question, answer)
    assert score(values) == pytest.approx(worth)
    result = judgement(question, answer, values)
    assert said in result and not any(text in result for _, text in (GOOD, BAD))


def test_nothing_that_applies_is_no_score() -> None:
    assert math.isnan(score({"answered": math.nan, "lexical_support": 1.0}))
