"""Each answer is asked for once, whoever comes back for it; one that fails is kept with its reason."""

from collections.abc import Sequence

import pytest

from ragops.errors import UserError
from ragops.quality.optimization.trials import WHO, Trials
from ragops.quality.questions import Question
from tests.support.chains import Searching, chain, scripted_gateway

TEXTS = ("The otter eats four fish before noon.", "The heron stands in the reeds.")
OTTER = Question(
    question_id="o", question="What does the otter eat?", kind="k", topic="t", anchor="four fish", answer="x"
)
FRANCE = Question(question_id="f", question="Who rules France?", kind="k", topic=None, anchor=None, answer=None)
OWN, OTHER = "Say {{ abstention }}", "Say it: {{ abstention }}"


def trials(*replies: str) -> tuple[Trials, Searching]:
    searching = Searching(TEXTS)
    return Trials(chain(searching, scripted_gateway(replies)), [OTTER, FRANCE], ("hr",)), searching


def rated(found: Trials, question: Question, outputs: object) -> tuple[float, str]:
    (value,) = [
        found.scorer().run(inputs={"question": question.question}, outputs=outputs, expectations={}, trace=None)
    ]
    return value.value, value.rationale


def test_the_same_answer_is_asked_for_once_and_for_all_groups() -> None:
    found, searching = trials("Four fish [1].", "Reeds [2].")
    first = found.answer(OWN, OTTER.question)
    assert found.answer(OWN, OTTER.question) is first and found.answered == 1
    assert found.answer(OTHER, OTTER.question).text == "Reeds [2]."
    assert searching.asked == [(OTTER.question, ("hr",))] * 2
    assert found.only([FRANCE]).answer(OWN, OTTER.question) is first  # what is known stays known


def test_a_predictor_tries_what_the_version_shows() -> None:
    class Version:
        template: Sequence[dict[str, str]] = [{"role": "system", "content": OTHER}, {"role": "user", "content": "u"}]

    found, _ = trials("Four fish [1].")
    outputs = found.predictor(Version())(OTTER.question)  # type: ignore[arg-type]
    assert outputs["text"] == "Four fish [1]." and found.answer(OTHER, OTTER.question).text == outputs["text"]
    assert rated(found, OTTER, outputs) == (1.0, "Right: it cites a passage that holds the answer.")
    assert rated(found, FRANCE, outputs)[0] == 0.5


def test_a_failure_has_no_score_and_its_reason() -> None:
    found, _ = trials("Four fish [1].")
    with pytest.raises(UserError, match="is empty"):
        found.answer(OWN, " ")
    assert [str(error) for error in found.failures.values()] and found.answered == 0
    assert rated(found, OTTER, "Failed: it broke") == (0.0, "Failed: it broke")
    assert found.records() == [{"inputs": {"question": one.question}, "expectations": {}} for one in (OTTER, FRANCE)]
    assert WHO == "optimize"
