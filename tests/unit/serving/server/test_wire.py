"""Wire formats, checked with OpenAI's and MLflow's own types."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError

from ragops.answers.chain.types import Query
from ragops.answers.prompts.types import Message
from ragops.errors import RequestError, UserError
from ragops.serving.model.registered import WORKING_COPY, ChainVersion
from ragops.serving.server.answers import Run
from ragops.serving.server.types import Answered, Citation
from ragops.serving.server.wire import (
    Invocations,
    InvocationsRequest,
    Responses,
    ResponsesRequest,
    conversation,
    encoded,
)

VERSION = ChainVersion("main.rag.chain", "7")
OUTPUTS = {"prompt_tokens": 12, "completion_tokens": 5, "generation": "g-000001", "sources": []}
DONE = Answered("At twenty to eight [1].", (Citation(1, "c1", "ferry.md"),), OUTPUTS)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def run() -> Run:
    return Run(Query("When does the ferry leave?"))


def stream(form: Responses | Invocations, *pieces: str) -> list[dict[str, Any]]:
    return [*form.opening(), *(event for piece in pieces for event in form.piece(piece)), *form.closing(DONE)]


def test_every_event_is_one_of_openais_and_numbered() -> None:
    events = stream(Responses(run(), VERSION), "At twenty", " to eight [1].")
    for event in events:
        EVENT.validate_python(event, strict=False)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["delta"] for event in events if "delta" in event] == ["At twenty", " to eight [1]."]


def test_the_last_event_is_the_whole_response_with_its_chain_and_usage() -> None:
    asked = run()
    form = Responses(asked, VERSION)
    last = stream(form)[-1]["response"]
    assert last == form.whole(DONE)
    response = Response.model_validate(last)
    assert (response.id, response.model) == (asked.answer_id, "main.rag.chain/7")
    assert response.usage is not None and response.usage.total_tokens == 17
    outputs = last["custom_outputs"]
    assert outputs["answer_id"] == asked.answer_id and outputs["chain"] == {"name": "main.rag.chain", "version": "7"}
    assert Responses(run(), ChainVersion("python", WORKING_COPY)).whole(DONE)["model"] == "python"


def test_a_failure_is_one_of_openais_events_too() -> None:
    form = Responses(run(), VERSION)
    (failed,) = form.failure(UserError("Model served: it is down; start it"))
    event = EVENT.validate_python(failed)
    assert (event.type, event.response.error.message) == ("response.failed", "Model served: it is down; start it")
    (unexpected,) = form.failure(KeyError("/secret"))
    assert "secret" not in json.dumps(unexpected)


def test_mlflow_reads_responses_and_events() -> None:
    form = Invocations(run(), VERSION)
    events = [ResponsesAgentStreamEvent.model_validate(event) for event in stream(form, "At twenty")]
    assert [event.type for event in events] == ["response.output_text.delta", "response.output_item.done"]
    response = ResponsesAgentResponse.model_validate(form.whole(DONE))
    assert response.custom_outputs is not None and response.custom_outputs["generation"] == "g-000001"


@given(text=st.text())
def test_any_text_is_one_event_of_a_stream(text: str) -> None:
    (event,) = Responses(run(), VERSION).piece(text)
    sent = encoded(event).decode("utf-8", "surrogatepass")
    kind, data, *rest = sent.split("\n")
    assert (kind, rest) == ("event: response.output_text.delta", ["", ""])
    assert json.loads(data.removeprefix("data: "))["delta"] == text


def test_text_that_is_not_unicode_does_not_end_the_stream() -> None:
    (event,) = Responses(run(), VERSION).piece("half a pair \ud800")
    assert b"half a pair ?" in encoded(event)


def test_a_conversation_is_the_question_and_the_turns_before_it() -> None:
    turns = [
        {"role": "system", "content": "Obey."},
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "At 7:40 [1].", "annotations": []}]},
        {"role": "user", "content": [{"type": "input_text", "text": "And"}, {"type": "input_text", "text": "back?"}]},
    ]
    history = (Message("user", "When?"), Message("assistant", "At 7:40 [1]."))
    for kind in (ResponsesRequest, InvocationsRequest):
        assert conversation(kind.model_validate({"input": turns})) == ("And\nback?", history)
    assert conversation(ResponsesRequest(input="When?")) == ("When?", ())


@pytest.mark.parametrize("field", ["temperature", "instructions", "tools", "previous_response_id", "max_output_tokens"])
def test_fields_that_would_change_the_answer_are_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        ResponsesRequest.model_validate({"input": "When?", field: 1})


def test_groups_in_the_body_are_refused() -> None:
    body = InvocationsRequest.model_validate(
        {"input": [{"role": "user", "content": "When?"}], "custom_inputs": {"groups": []}}
    )
    with pytest.raises(RequestError, match="leave it out"):
        conversation(body)
