"""Trials: each answer is requested once, scored by the checks that apply, and judged without words of the documents."""

import math
from collections.abc import Sequence

import pytest

from ragops.answers.retrieval.context import Context
from ragops.errors import UserError
from ragops.quality.evaluation.answers import Outcome, check_answer
from ragops.quality.optimization.trials import WHO, Trials, judgement, score
from ragops.quality.questions import Question
from tests.support.chains import FakeSearcher, chain, scripted_gateway

TEXTS = ("The otter eats four fish before noon.", "The heron stands in the reeds.")
OTTER = Question(
    question_id="o", question="What does the otter eat?", kind="k", topic="t", anchor="four fish", answer="x"
)
FRANCE = Question(question_id="f", question="Who rules France?", kind="k", topic=None, anchor=None, answer=None)
OWN, OTHER = "Say {{ abstention }}", "Say it: {{ abstention }}"
GOOD, BAD = ("otter.md", "It eats four fish."), ("heron.md", "It stands in the reeds.")


def trials(*replies: str) -> tuple[Trials, FakeSearcher]:
    searching = FakeSearcher(TEXTS)
    return Trials(chain(searching, scripted_gateway(replies)), [OTTER, FRANCE], ("hr",)), searching


def rated(found: Trials, question: Question, outputs: object) -> tuple[float, str]:
    (value,) = [
        found.scorer().run(inputs={"question": question.question}, outputs=outputs, expectations={}, trace=None)
    ]
    return value.value, value.rationale


def test_an_answer_is_requested_once_per_instructions_on_behalf_of_the_groups() -> None:
    found, searching = trials("Four fish [1].", "Reeds [2].")
    first = found.answer(OWN, OTTER.question)
    assert found.answer(OWN, OTTER.question) is first and found.answered == 1
    assert found.answer(OTHER, OTTER.question).text == "Reeds [2]."
    assert searching.asked == [(OTTER.question, ("hr",))] * 2
    assert found.only([FRANCE]).answer(OWN, OTTER.question) is first


def test_the_predictor_tries_the_text_of_the_prompt_version() -> None:
    class Version:
        template: Sequence[dict[str, str]] = [{"role": "system", "content": OTHER}, {"role": "user", "content": "u"}]

    found, _ = trials("Four fish [1].")
    outputs = found.predictor(Version())(OTTER.question)  # type: ignore[arg-type]
    assert outputs["text"] == "Four fish [1]." and found.answer(OTHER, OTTER.question).text == outputs["text"]
    assert rated(found, OTTER, outputs) == (1.0, "Right: it cites a passage that contains the answer.")
    assert rated(found, FRANCE, outputs)[0] == 0.5


def test_a_failure_scores_0_with_its_reason() -> None:
    found, _ = trials("Four fish [1].")
    with pytest.raises(UserError, match="is empty"):
        found.answer(OWN, " ")
    assert [str(error) for error in found.failures.values()] and found.answered == 0
    assert rated(found, OTTER, "Failed: it broke") == (0.0, "Failed: it broke")
    assert found.records() == [{"inputs": {"question": one.question}, "expectations": {}} for one in (OTTER, FRANCE)]
    assert WHO == "optimize"


def outcome(*cited: tuple[str, str], abstained: bool = False, removed: int = 0, quoted: bool = False) -> Outcome:
    written = 0 if quoted else len(cited)
    return Outcome("text", cited, abstained, written, removed, model="m", quoted=quoted, seconds=0.1)


@pytest.mark.parametrize(
    ("question", "answer", "expected_score", "expected"),
    [
        (OTTER, outcome(GOOD), 1.0, "Right: it cites a passage that contains the answer."),
        (OTTER, outcome(BAD), 2 / 3, "Wrong: none of the passages that it cites contains the answer."),
        (OTTER, outcome(GOOD, removed=1), 2.5 / 3, "It cites 1 passages that it was not given."),
        (OTTER, outcome(BAD, quoted=True), 1 / 2, "It cited nothing, so sentences quoted from the passages"),
        (OTTER, outcome(abstained=True), 0.0, "Wrong: it says that there is no answer, though the documents"),
        (FRANCE, outcome(abstained=True), 1.0, "Right: it says that the passages do not answer this."),
        (FRANCE, outcome(BAD), 0.5, "Wrong: the passages do not answer this, and it should have said so"),
    ],
)
def test_each_fault_lowers_the_score_and_is_named_in_the_judgement(
    question: Question, answer: Outcome, expected_score: float, expected: str
) -> None:
    values = check_answer(question, answer)
    assert score(values) == pytest.approx(expected_score)
    result = judgement(question, answer, values)
    assert expected in result and not any(text in result for _, text in (GOOD, BAD))


def test_the_score_is_nan_if_no_check_applies() -> None:
    assert math.isnan(score({"answered": math.nan, "lexical_support": 1.0}))


def test_an_unexpected_error_is_not_taken_for_a_bad_answer() -> None:
    class Broken(FakeSearcher):
        def context(self, *_: object, **__: object) -> Context:
            raise RuntimeError("Infer Request is busy")

    found = Trials(chain(Broken(TEXTS), scripted_gateway(["-"])), [OTTER], ())
    found.raise_unexpected()
    with pytest.raises(RuntimeError):
        found.answer(OWN, OTTER.question)
    with pytest.raises(RuntimeError, match="is busy"):
        found.raise_unexpected()
