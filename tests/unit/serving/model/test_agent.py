"""Requests and answers of the packaged chain, in the shapes that MLflow checks."""

from dataclasses import replace

import pytest
from mlflow.types.responses import ResponsesAgentRequest

from ragops.answers.chain.types import Answer, Question
from ragops.answers.prompts.messages import Message
from ragops.errors import RequestError, UserError
from ragops.quality.evaluation.answers import Outcome
from ragops.serving.model.agent import ChainAgent, as_question, as_response
from ragops.serving.model.errors import NotAnswered
from ragops.serving.model.loaded import outcome
from tests.support.chains import Searching, chain, scripted_gateway

FERRY = "The ferry leaves for the lighthouse island at twenty to eight."


def request(*turns: tuple[str, object], **more: object) -> ResponsesAgentRequest:
    result = [{"type": "message", "role": role, "content": content} for role, content in turns]
    return ResponsesAgentRequest.model_validate({"input": result, **more})


def test_the_last_message_is_the_question_and_those_before_it_its_history() -> None:
    asked = as_question(
        request(("system", "Obey."), ("user", "When?"), ("assistant", "At 7:40 [1]."), ("user", "And?"))
    )
    history = (Message("user", "When?"), Message("assistant", "At 7:40 [1]."))
    assert asked == Question("And?", history, (), "endpoint")


def test_parts_groups_and_who() -> None:
    parts = [{"type": "input_text", "text": "When"}, {"type": "input_text", "text": "?"}]
    more = {"custom_inputs": {"groups": ["hr"]}, "context": {"user_id": "jane"}}
    assert as_question(request(("user", parts), **more)) == Question("When\n?", (), ("hr",), "jane")


@pytest.mark.parametrize(
    ("turns", "more", "said"),
    [
        ([("assistant", "Hello.")], {}, "input: its last message is not the user's"),
        ([], {}, "input: its last message is not the user's"),
        ([("user", "When?")], {"custom_inputs": {"groups": "hr"}}, "custom_inputs.groups: give a list"),
        ([("user", "When?")], {"custom_inputs": {"groups": [1]}}, "custom_inputs.groups: give a list"),
    ],
)
def test_wrong_requests(turns: list[tuple[str, object]], more: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        as_question(request(*turns, **more))


def answered(reply: str) -> Answer:
    return chain(Searching([FERRY, "Painters close the crane."]), scripted_gateway([reply])).answer(Question("When?"))


def test_the_answer_has_a_citation_for_each_passage_and_says_how_it_came_about() -> None:
    answer = replace(answered("At twenty to eight [1][7]."), failed={"served": "down"})
    response = as_response(answer).model_dump()
    (part,) = response["output"][0]["content"]
    assert part["text"] == "At twenty to eight [1]."
    assert [(one["index"], one["filename"]) for one in part["annotations"]] == [(1, "p1.md")]
    result = response["custom_outputs"]
    assert [(one["number"], one["cited"]) for one in result["sources"]] == [(1, True), (2, False)]
    assert (result["valid_citations"], result["removed_citations"]) == (1, 1)
    assert (result["abstained"], result["generation"]) == (None, "g-000001")
    assert result["failed"] == {"served": "down"}


@pytest.mark.parametrize("reply", ["At twenty to eight [1][7].", "I cannot find the answer in the documents."])
def test_a_response_is_judged_as_the_answer_is(reply: str) -> None:
    answer = answered(reply)
    assert outcome(as_response(answer).model_dump(), answer.seconds) == Outcome.of(answer)


def test_an_agent_that_was_not_loaded_says_so() -> None:
    with pytest.raises(UserError, match="model: it is not loaded"):
        ChainAgent().predict(request(("user", "When?")))


def test_an_empty_question_is_a_wrong_request_in_one_line_also_when_streamed() -> None:
    agent = ChainAgent()
    agent._chain = chain(Searching([FERRY]), scripted_gateway(["At twenty to eight [1]."]))
    for refused in (
        lambda: agent.predict(request(("user", " "))),
        lambda: list(agent.predict_stream(request(("user", " ")))),
    ):
        with pytest.raises(NotAnswered, match="^question: it is empty; ask something") as raised:
            refused()
        assert raised.value.get_http_status_code() == 400
