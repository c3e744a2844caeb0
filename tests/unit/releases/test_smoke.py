import json
from typing import Any

import pytest
from mlflow.types.responses import ResponsesAgentResponse

from ragops.releases.smoke import SmokeFailure, answer_text


def body(*items: Any) -> bytes:
    return json.dumps({"output": items}).encode()


def message(*texts: str) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text} for text in texts]
    return {"type": "message", "id": "1", "role": "assistant", "content": parts}


def test_reads_the_answer_of_a_responses_agent() -> None:
    response = ResponsesAgentResponse(output=[message("Lists ", "are mutable [1].")])

    assert answer_text(response.model_dump_json().encode()) == "Lists are mutable [1]."


def test_only_messages_are_the_answer() -> None:
    thought = {"type": "reasoning", "id": "2", "summary": [{"type": "summary_text", "text": "hm"}], "content": None}
    call = {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "3"}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}

    assert answer_text(body(thought, call, refusal)) == ""


@pytest.mark.parametrize("wrong", [b"", b"<html>", b"[]", b'{"predictions": ["x"]}', b'{"output": "x"}'])
def test_anything_else_is_a_failure(wrong: bytes) -> None:
    with pytest.raises(SmokeFailure, match="not a ResponsesAgent's"):
        answer_text(wrong)
