"""Requests, answers and errors of the packaged chain, in the forms that MLflow checks and its servers pass on."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.types.responses import ResponsesAgentRequest

from ragops.answers.chain.types import Answer, Query
from ragops.answers.llms.errors import Unavailable
from ragops.answers.prompts.types import Message
from ragops.errors import RequestError, UserError
from ragops.quality.evaluation.answers import Outcome
from ragops.serving.model import agent
from ragops.serving.model.agent import ChainAgent, NotAnswered, as_question, as_response, mlflow_errors
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.loaded import outcome
from tests.support.chains import FakeSearcher, chain, scripted_gateway

FERRY = "The ferry leaves for the lighthouse island at twenty to eight."


def request(*turns: tuple[str, object], **more: object) -> ResponsesAgentRequest:
    result = [{"type": "message", "role": role, "content": content} for role, content in turns]
    return ResponsesAgentRequest.model_validate({"input": result, **more})


def test_the_last_message_is_the_question_and_earlier_ones_its_history() -> None:
    asked = as_question(
        request(("system", "Obey."), ("user", "When?"), ("assistant", "At 7:40 [1]."), ("user", "And?"))
    )
    history = (Message("user", "When?"), Message("assistant", "At 7:40 [1]."))
    assert asked == Query("And?", history, (), "endpoint")


def test_parts_groups_and_user_of_a_request() -> None:
    parts = [{"type": "input_text", "text": "When"}, {"type": "input_text", "text": "?"}]
    more = {"custom_inputs": {"groups": ["hr"]}, "context": {"user_id": "jane"}}
    assert as_question(request(("user", parts), **more)) == Query("When\n?", (), ("hr",), "jane")


@pytest.mark.parametrize(
    ("turns", "more", "message"),
    [
        ([("assistant", "Hello.")], {}, "input: the last message is not the user's"),
        ([], {}, "input: the last message is not the user's"),
        ([("user", "When?")], {"custom_inputs": {"groups": "hr"}}, "custom_inputs.groups: give a list"),
        ([("user", "When?")], {"custom_inputs": {"groups": [1]}}, "custom_inputs.groups: give a list"),
    ],
)
def test_invalid_requests_are_refused(turns: list[tuple[str, object]], more: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        as_question(request(*turns, **more))


def answered(reply: str) -> Answer:
    return chain(FakeSearcher([FERRY, "Painters close the crane."]), scripted_gateway([reply])).answer(Query("When?"))


def test_a_response_has_citations_and_says_how_it_was_produced() -> None:
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
def test_a_response_is_evaluated_like_the_answer(reply: str) -> None:
    answer = answered(reply)
    assert outcome(as_response(answer).model_dump(), answer.seconds) == Outcome.of(answer)


def test_an_agent_that_is_not_loaded_is_an_error() -> None:
    with pytest.raises(UserError, match="model: not loaded"):
        ChainAgent().predict(request(("user", "When?")))


def test_an_empty_question_is_a_bad_request_also_when_streamed() -> None:
    loaded = ChainAgent()
    loaded._chain = chain(FakeSearcher([FERRY]), scripted_gateway(["At twenty to eight [1]."]))
    for refused in (
        lambda: loaded.predict(request(("user", " "))),
        lambda: list(loaded.predict_stream(request(("user", " ")))),
    ):
        with pytest.raises(NotAnswered, match="^question: .*empty") as raised:
            refused()
        assert raised.value.get_http_status_code() == 400


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestError("question: it is empty; ask something"), 400, "INVALID_PARAMETER_VALUE"),
        (UserError("index: there is none; refresh"), 500, "INTERNAL_ERROR"),
        (Unavailable("Model served: it is down"), 500, "INTERNAL_ERROR"),
    ],
)
def test_the_status_tells_bad_requests_from_other_errors(error: UserError, status: int, code: str) -> None:
    with pytest.raises(UserError) as caught, mlflow_errors():
        raise error
    raised = caught.value
    assert isinstance(raised, MlflowException) and str(raised) == str(error)
    assert raised.get_http_status_code() == status
    raised.message = f"Failed to predict data '...'. \nError: {raised.message}"  # as MLflow's server does
    assert json.loads(raised.serialize_as_json()) == {"error_code": code, "message": str(error)}


def test_other_exceptions_pass_unchanged() -> None:
    with pytest.raises(KeyError), mlflow_errors():
        raise KeyError("x")
    assert issubclass(NotAnswered, UserError)


@pytest.mark.parametrize("serving", [True, False])
def test_only_a_serving_endpoint_logs_a_line_about_its_container(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], serving: bool
) -> None:
    if serving:
        monkeypatch.setenv("IS_IN_DB_MODEL_SERVING_ENV", "true")
    monkeypatch.setattr(ChainConfiguration, "model_validate", lambda given: given)
    monkeypatch.setattr(agent, "open_logged", lambda configuration, artifacts: None)
    agent.ChainAgent().load_context(SimpleNamespace(model_config={}, artifacts={}))
    assert capsys.readouterr().out.startswith(f"pid {os.getpid()} on host ") == serving
