import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.errors import ContextOverflow, EmptyAnswer, ServerFault
from ragops.answers.llms.providers.scripted import ScriptedModel
from tests.support.llms import ask


def test_replies_come_in_order_and_errors_are_raised() -> None:
    model = ScriptedModel(["one", ServerFault("down"), "three"])
    assert model.generate(ask("a")).text == "one"
    with pytest.raises(ServerFault):
        model.generate(ask("b"))
    assert [model.generate(ask("c")).text for _ in range(2)] == ["three", "three"]
    assert [request.messages[0].content for request in model.requests] == ["a", "b", "c", "c"]


def test_a_rule_gets_the_request() -> None:
    model = ScriptedModel(lambda request: request.question.upper())
    assert model.generate(ask(question="why")).text == "WHY"


@given(st.text().filter(str.strip))
def test_the_pieces_of_a_stream_are_the_text(text: str) -> None:
    model = ScriptedModel([text])
    pieces = list(model.stream(ask()))
    assert "".join(pieces) == text
    assert all(pieces)


def test_it_raises_the_errors_of_a_real_model() -> None:
    with pytest.raises(EmptyAnswer):
        ScriptedModel([" "]).generate(ask())
    with pytest.raises(ContextOverflow, match="3 .* 512 .* 100"):
        ScriptedModel(["x"], context_tokens=100).generate(ask())
