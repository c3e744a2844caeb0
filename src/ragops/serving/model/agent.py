"""The chain as MLflow's ResponsesAgent: the same requests and responses when it is loaded, served or run in batch."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.types import Answer, Query
from ragops.answers.prompts.types import Message
from ragops.errors import RequestError, UserError
from ragops.platform.compute import in_model_serving
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.open_model import describe_container, open_logged


class NotAnswered(UserError, MlflowException):
    """A `UserError` that MLflow's servers know: HTTP 400 if the request is wrong, else 500.

    For any other exception they send the stack trace, and they prefix a message with the whole request.
    """

    def __init__(self, error: UserError) -> None:
        code = INVALID_PARAMETER_VALUE if isinstance(error, RequestError) else INTERNAL_ERROR
        MlflowException.__init__(self, str(error), error_code=code)
        self._line = str(error)

    def serialize_as_json(self) -> str:
        """The body of the response."""
        return json.dumps({"error_code": self.error_code, "message": self._line}, ensure_ascii=False)


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Raises `NotAnswered` in place of a `UserError`, so that MLflow's servers pass its one line on."""
    try:
        yield
    except UserError as error:
        raise NotAnswered(error) from error


class ChainAgent(ResponsesAgent):
    """Answers with citations; `custom_outputs` has the sources, how the answer was produced, and which models `failed`.

    The caller's groups are `custom_inputs["groups"]`. Every caller of the endpoint can claim any group. Only trusted
    applications that know their user, such as the page in front of it, may have permission to query the endpoint.
    """

    def __init__(self) -> None:
        self._chain: Chain | None = None

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's PythonModelContext
        """Opens the index and the models from the logged files."""
        if in_model_serving():
            print(describe_container(), flush=True)
        configuration = ChainConfiguration.model_validate(dict(context.model_config or {}))
        artifacts = {name: Path(path) for name, path in (context.artifacts or {}).items()}
        self._chain = open_logged(configuration, artifacts)

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:  # type: ignore[override] # MLflow's own
        """The answer to the last message; the messages before it are the conversation."""
        with mlflow_errors():
            return as_response(self._opened.answer(as_question(request)))

    def predict_stream(  # type: ignore[override] # likewise
        self, request: ResponsesAgentRequest
    ) -> Generator[ResponsesAgentStreamEvent, None, None]:
        """The answer in pieces, and finally the checked answer, which replaces them."""
        item_id = uuid.uuid4().hex
        with mlflow_errors():
            pieces = self._opened.stream(as_question(request))
            while True:
                try:
                    delta = next(pieces)
                except StopIteration as end:
                    answer: Answer = end.value
                    break
                yield ResponsesAgentStreamEvent.model_validate(self.create_text_delta(delta, item_id))
        item = as_item(answer, item_id)
        done = {"type": "response.output_item.done", "item": item, "custom_outputs": as_outputs(answer)}
        yield ResponsesAgentStreamEvent.model_validate(done)

    @property
    def _opened(self) -> Chain:
        if self._chain is None:
            raise UserError("model: not loaded; open it with mlflow.pyfunc.load_model")
        return self._chain


def as_question(request: ResponsesAgentRequest) -> Query:
    """The last user message with the conversation before it.

    Raises:
        RequestError: the last message is not the user's, or the groups are not a list of names.
    """
    turns = [Message(role, _text(one)) for one in request.input if (role := _role(one))]
    if not turns or turns[-1].role != "user":
        raise RequestError('input: the last message is not the user\'s; send [{"role": "user", "content": "..."}]')
    groups = (request.custom_inputs or {}).get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(name, str) for name in groups):
        raise RequestError('custom_inputs.groups: give a list of names, for example ["hr"]')
    who = request.context.user_id if request.context else None
    return Query(turns[-1].content, tuple(turns[:-1]), tuple(groups), who or "endpoint")


def as_response(answer: Answer) -> ResponsesAgentResponse:
    """The answer as a response."""
    response = {"output": [as_item(answer, uuid.uuid4().hex)], "custom_outputs": as_outputs(answer)}
    return ResponsesAgentResponse.model_validate(response)


def as_item(answer: Answer, item_id: str) -> dict[str, Any]:
    """The text with a file citation for each cited passage; `index` is the number [n] in the text."""
    annotations = [
        {
            "type": "file_citation",
            "index": one.number,
            "file_id": one.passage.chunk_id,
            "filename": one.passage.path,
        }
        for one in answer.cited
    ]
    return ResponsesAgent.create_text_output_item(answer.text, item_id, annotations)


def _role(item: Any) -> Literal["user", "assistant"] | None:  # noqa: ANN401 - MLflow's message or output item
    """Who wrote it; None for tool calls, and for instructions, which only the chain's own prompt gives."""
    role = getattr(item, "role", None)
    return role if role in ("user", "assistant") else None


def _text(item: Any) -> str:  # noqa: ANN401 - MLflow's message or output item
    """A message's text, given as a string or in parts."""
    content = getattr(item, "content", "")
    if isinstance(content, str):
        return content
    parts = [part if isinstance(part, dict) else part.model_dump() for part in content or ()]
    return "\n".join(str(part.get("text", "")) for part in parts)
