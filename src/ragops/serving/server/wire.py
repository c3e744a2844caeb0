"""Wire formats: OpenAI's Responses and MLflow's ResponsesAgent, as requests, responses and events of a stream.

The only module that knows them. OpenAI's: https://developers.openai.com/api/reference/resources/responses; MLflow's:
`mlflow.types.responses`, which is not imported here because it takes over a second. Tests validate against both
libraries' own types.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from ragops.answers.prompts.types import Message
from ragops.errors import RequestError
from ragops.serving.model.registered import WORKING_COPY, ChainVersion
from ragops.serving.server.answers import Run
from ragops.serving.server.errors import error_body
from ragops.serving.server.types import Answered

Event = dict[str, Any]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(BaseModel):
    """A part of a message: text that the user or the assistant wrote."""

    model_config = ConfigDict(extra="ignore")  # an answer that is sent back has citations

    type: Literal["input_text", "output_text", "text"]
    text: str


class Turn(BaseModel):
    """A message of the conversation. A client sends an answer back as it received it, with its id and status."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]
    type: Literal["message"] = "message"

    @property
    def text(self) -> str:
        """Its parts as one text."""
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class ResponsesRequest(_Body):
    """The body of POST /responses. `model` is accepted because OpenAI's clients send it; the server has one chain."""

    input: str | list[Turn]
    stream: bool = False
    model: str | None = None


class InvocationsRequest(_Body):
    """The body of POST /invocations."""

    input: list[Turn] = Field(min_length=1)
    stream: bool = False
    custom_inputs: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


def conversation(body: ResponsesRequest | InvocationsRequest) -> tuple[str, tuple[Message, ...]]:
    """The question and the turns before it. Instructions are left out: only the chain's own prompt gives any.

    Raises:
        RequestError: the last message is not the user's, or the caller names its own groups.
    """
    if isinstance(body, InvocationsRequest) and "groups" in (body.custom_inputs or {}):
        raise RequestError("custom_inputs.groups: the server knows its users' groups; leave it out")
    if isinstance(body.input, str):
        return body.input, ()
    turns = tuple(Message(one.role, one.text) for one in body.input if one.role in ("user", "assistant"))
    if not turns or turns[-1].role != "user":
        raise RequestError('input: the last message is not the user\'s; send [{"role": "user", "content": "..."}]')
    return turns[-1].content, turns[:-1]


class Form(Protocol):
    """One wire format of one answer: what is sent before, during and after it."""

    def opening(self) -> Iterator[Event]:
        """Events before the first piece."""

    def piece(self, text: str) -> Iterator[Event]:
        """Events for a piece."""

    def closing(self, answered: Answered) -> Iterator[Event]:
        """Events after the last piece, which contain the checked answer."""

    def failure(self, error: Exception) -> Iterator[Event]:
        """Events in place of `closing`."""

    def whole(self, answered: Answered) -> dict[str, Any]:
        """The response that is not streamed."""


class Responses:
    """OpenAI's format: https://developers.openai.com/api/reference/resources/responses/streaming-events."""

    def __init__(self, run: Run, version: ChainVersion) -> None:
        self._run, self._version = run, version
        self._item_id = f"msg_{uuid.uuid4().hex}"
        self._number = 0

    def opening(self) -> Iterator[Event]:
        """The response with its id, and an empty item."""
        yield self._event("response.created", response=self._response("in_progress"))
        yield self._event("response.in_progress", response=self._response("in_progress"))
        item = {"type": "message", "id": self._item_id, "status": "in_progress", "role": "assistant", "content": []}
        yield self._event("response.output_item.added", output_index=0, item=item)
        yield self._event("response.content_part.added", **self._place, part=_part(""))

    def piece(self, text: str) -> Iterator[Event]:
        """A delta of the text."""
        yield self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def closing(self, answered: Answered) -> Iterator[Event]:
        """The checked text, which replaces the deltas, then the whole response."""
        part = _part(answered.text, answered)
        yield self._event("response.output_text.done", **self._place, text=answered.text, logprobs=[])
        yield self._event("response.content_part.done", **self._place, part=part)
        yield self._event("response.output_item.done", output_index=0, item=_item(self._item_id, answered))
        yield self._event("response.completed", response=self.whole(answered))

    def failure(self, error: Exception) -> Iterator[Event]:
        """The response with its error."""
        details = error_body(error)["error"]
        failed = {"code": "server_error", "message": details["message"]}
        yield self._event("response.failed", response=self._response("failed") | {"error": failed})

    def whole(self, answered: Answered) -> dict[str, Any]:
        """The whole response with `custom_outputs`."""
        used = _usage(answered.outputs)
        output = [_item(self._item_id, answered)]
        custom = {"custom_outputs": _custom_outputs(self._run, self._version, answered)}
        return self._response("completed") | {"output": output, "usage": used} | custom

    @property
    def _place(self) -> dict[str, Any]:
        return {"item_id": self._item_id, "output_index": 0, "content_index": 0}

    def _event(self, kind: str, **fields: object) -> Event:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return event

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "id": self._run.answer_id,
            "object": "response",
            "created_at": int(self._run.created_at),
            "status": status,
            "model": _model(self._version),
            "output": [],
            "usage": None,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": False,
            "temperature": None,
            "top_p": None,
            "tool_choice": "none",
            "tools": [],
        }


class Invocations:
    """MLflow's format, as `serving.model.agent` gives it."""

    def __init__(self, run: Run, version: ChainVersion) -> None:
        self._run, self._version = run, version
        self._item_id = uuid.uuid4().hex

    def opening(self) -> Iterator[Event]:
        """Nothing."""
        yield from ()

    def piece(self, text: str) -> Iterator[Event]:
        """A delta of the text."""
        place = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        yield {"type": "response.output_text.delta", **place, "delta": text}

    def closing(self, answered: Answered) -> Iterator[Event]:
        """The checked answer, which replaces the deltas."""
        outputs = _custom_outputs(self._run, self._version, answered)
        item = _item(self._item_id, answered)
        yield {"type": "response.output_item.done", "output_index": 0, "item": item, "custom_outputs": outputs}

    def failure(self, error: Exception) -> Iterator[Event]:
        """The error."""
        details = error_body(error)["error"]
        yield {"type": "error", "code": details["code"], "message": details["message"], "param": None}

    def whole(self, answered: Answered) -> dict[str, Any]:
        """The response."""
        custom = _custom_outputs(self._run, self._version, answered)
        return {
            "object": "response",
            "id": self._run.answer_id,
            "created_at": int(self._run.created_at),
            "status": "completed",
            "output": [_item(self._item_id, answered)],
            "custom_outputs": custom,
        }


def encoded(event: Event) -> bytes:
    """An event of a stream of server-sent events."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def _part(text: str, answered: Answered | None = None) -> dict[str, Any]:
    annotations = [
        {"type": "file_citation", "index": one.number, "file_id": one.chunk_id, "filename": one.path}
        for one in (answered.citations if answered else ())
    ]
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _item(item_id: str, answered: Answered) -> dict[str, Any]:
    part = _part(answered.text, answered)
    return {"type": "message", "id": item_id, "status": "completed", "role": "assistant", "content": [part]}


def _custom_outputs(run: Run, version: ChainVersion, answered: Answered) -> dict[str, Any]:
    chain = {"name": version.name, "version": version.version}
    generation = answered.outputs.get("generation", "")
    return {**answered.outputs, "answer_id": run.answer_id, "chain": chain, "generation": generation}


def _model(version: ChainVersion) -> str:
    return version.name if version.version == WORKING_COPY else f"{version.name}/{version.version}"


def _usage(outputs: dict[str, Any]) -> dict[str, Any]:
    read, written = int(outputs.get("prompt_tokens", 0)), int(outputs.get("completion_tokens", 0))
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
