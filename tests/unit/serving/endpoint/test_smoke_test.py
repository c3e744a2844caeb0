import json
from typing import Any

import pytest
from mlflow.types.responses import ResponsesAgentResponse

from ragops.serving.endpoint.smoke_test import SmokeFailure, check_answer


def body(*items: Any) -> bytes:
    return json.dumps({"output": items}).encode()


def message(*texts: str) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text} for text in texts]
    return {"type": "message", "id": "1", "role": "assistant", "content": parts}


def test_an_answer_of_a_responses_agent_passes() -> None:
    for outputs in (None, {"model": "served", "failed": {}, "evidence": 0.5}):
        response = ResponsesAgentResponse(output=[message("Lists ", "are mutable [1].")], custom_outputs=outputs)

        check_answer(response.model_dump_json(exclude_none=True).encode())


def test_an_answer_by_a_fallback_is_a_failure() -> None:
    outputs = {"model": "quotes", "failed": {"served": "HTTP 403 no; give a token that may query it"}}
    response = ResponsesAgentResponse(output=[message("Lists [1].")], custom_outputs=outputs)

    with pytest.raises(SmokeFailure, match="fallback quotes .*served: HTTP 403 no; give a token"):
        check_answer(response.model_dump_json().encode())


def test_reasoning_and_tool_calls_are_not_an_answer() -> None:
    thought = {"type": "reasoning", "id": "2", "summary": [{"type": "summary_text", "text": "hm"}], "content": None}
    call = {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "3"}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}

    with pytest.raises(SmokeFailure, match="an empty answer"):
        check_answer(body(thought, call, refusal))


@pytest.mark.parametrize("wrong", [b"", b"<html>", b"[]", b'{"predictions": ["x"]}', b'{"output": "x"}'])
def test_any_other_body_is_a_failure(wrong: bytes) -> None:
    with pytest.raises(SmokeFailure, match="not a ResponsesAgent's"):
        check_answer(wrong)
