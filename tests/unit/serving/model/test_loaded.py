"""The smoke test of a logged chain asks until a question is answered."""

from collections.abc import Mapping
from typing import Any

import pytest

from ragops.errors import UserError
from ragops.quality.questions import Question
from ragops.serving.model.loaded import LoadedChain


class Replying(LoadedChain):
    """Answers the questions that it knows, abstains from others, and records what it was asked."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.uri, self._known = "models:/chain/1", known
        self.asked: list[str] = []

    def respond(self, question: str, groups: tuple[str, ...] = (), who: str = "release") -> dict[str, Any]:
        self.asked.append(question)
        text = self._known.get(question)
        outputs = {"abstained": "no evidence" if text is None else None, "model": None if text is None else "quotes"}
        content = [{"type": "output_text", "text": "I don't know." if text is None else text}]
        return {
            "output": [{"type": "message", "content": content}],
            "custom_outputs": {**outputs, "generation": "000001-aaaaaaaa", "evidence": 0.5},
        }


def question(text: str, answerable: bool = True) -> Question:
    nothing = {"topic": None, "anchor": None, "answer": None}
    known = {"topic": "t", "anchor": "a", "answer": "a"} if answerable else nothing
    return Question.model_validate({"question_id": text, "question": text, "kind": "k", **known})


ASKED = [question("who?", answerable=False), *(question(f"{number}?") for number in range(9))]


def test_answerable_questions_are_asked_until_one_is_answered() -> None:
    chain = Replying({"2?": "Two [1]."})
    smoke = chain.smoke(ASKED)
    assert chain.asked == ["0?", "1?", "2?"]
    start = "2?\n\nTwo [1].\n\nby quotes from 000001-aaaaaaaa, evidence 0.50; "
    assert str(smoke).startswith(start) and "2 earlier questions" in str(smoke)
    assert "earlier" not in str(Replying({"0?": "Nought [1]."}).smoke(ASKED))


def test_an_answer_by_a_fallback_names_the_model_that_failed() -> None:
    chain = Replying({"0?": "Nought [1]."})
    smoke = chain.smoke(ASKED)
    smoke.response["custom_outputs"]["failed"] = {"served": "HTTP 400 no"}
    assert str(smoke).endswith("; fallback for served (HTTP 400 no)")


def test_only_a_few_questions_are_asked_if_none_is_answered() -> None:
    chain = Replying({})
    smoke = chain.smoke(ASKED)
    assert chain.asked == [f"{number}?" for number in range(5)] and smoke.abstained
    assert str(smoke).startswith(
        "4?\n\nI don't know.\n\nby no model from 000001-aaaaaaaa, evidence 0.50; no answer to 5"
    )


def test_unanswerable_questions_are_asked_last() -> None:
    chain = Replying({})
    assert chain.smoke(ASKED[:2]).asked == 2
    assert chain.asked == ["0?", "who?"]


def test_an_empty_answer_is_an_error() -> None:
    with pytest.raises(UserError, match="model models:/chain/1: empty answer to '0\\?'") as raised:
        Replying({"0?": " "}).smoke(ASKED)
    assert "\n" not in str(raised.value)
