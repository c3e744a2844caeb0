"""The smoke test of a logged chain: it goes on until a question is answered."""

from collections.abc import Mapping
from typing import Any

import pytest

from ragops.errors import UserError
from ragops.quality.questions import Question
from ragops.serving.model.loaded import LoadedChain


class Replying(LoadedChain):
    """Answers what it knows, abstains from the rest, and remembers what it was asked."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.uri, self._known = "models:/chain/1", known
        self.asked: list[str] = []

    def respond(self, question: str, groups: tuple[str, ...] = (), who: str = "release") -> dict[str, Any]:
        self.asked.append(question)
        text = self._known.get(question)
        result = {"abstained": "no evidence" if text is None else None, "model": None if text is None else "quotes"}
        content = [{"type": "output_text", "text": "I don't know." if text is None else text}]
        return {
            "output": [{"type": "message", "content": content}],
            "custom_outputs": {**result, "generation": "000001-aaaaaaaa", "evidence": 0.5},
        }


def question(text: str, answerable: bool = True) -> Question:
    nothing = {"topic": None, "anchor": None, "answer": None}
    known = {"topic": "t", "anchor": "a", "answer": "a"} if answerable else nothing
    return Question.model_validate({"question_id": text, "question": text, "kind": "k", **known})


ASKED = [question("who?", answerable=False), *(question(f"{number}?") for number in range(9))]


def test_it_asks_what_has_an_answer_until_one_is_given() -> None:
    chain = Replying({"2?": "Two [1]."})
    smoke = chain.smoke(ASKED)
    assert chain.asked == ["0?", "1?", "2?"]
    assert str(smoke) == (
        "2?\n\nTwo [1].\n\nby quotes from 000001-aaaaaaaa, evidence 0.50; 2 asked before got no answer"
    )
    assert "asked" not in str(Replying({"0?": "Nought [1]."}).smoke(ASKED))


def test_it_says_who_stood_in_for_whom() -> None:
    chain = Replying({"0?": "Nought [1]."})
    smoke = chain.smoke(ASKED)
    smoke.response["custom_outputs"]["failed"] = {"served": "HTTP 400 no"}
    assert str(smoke).endswith("; quotes stood in for served (HTTP 400 no)")


def test_it_says_where_none_is_answered_and_does_not_ask_them_all() -> None:
    chain = Replying({})
    smoke = chain.smoke(ASKED)
    assert chain.asked == [f"{number}?" for number in range(5)] and smoke.abstained
    assert str(smoke).startswith("4?\n\nI don't know.\n\nby nobody from 000001-aaaaaaaa, evidence 0.50; 5 asked, none")


def test_what_has_no_answer_is_asked_where_there_is_nothing_else() -> None:
    chain = Replying({})
    assert chain.smoke(ASKED[:2]).asked == 2
    assert chain.asked == ["0?", "who?"]


def test_an_empty_response_is_one_line() -> None:
    with pytest.raises(UserError, match="model models:/chain/1: it answered '0\\?' with nothing") as raised:
        Replying({"0?": " "}).smoke(ASKED)
    assert "\n" not in str(raised.value)
