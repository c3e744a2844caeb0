"""Asks a serving endpoint one question, to check that its callers get an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from pydantic import BaseModel, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.model.loaded import answer_text
from ragops.text import one_line

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# The platform's responses while no replica is free, or while routes lag behind the state READY.
_BUSY = {429, 502, 503, 504}
_SERVED_BY = "served-model-name"


class SmokeFailure(Exception):
    """The endpoint did not answer as it should; one line that never contains the answer's text."""


class _Busy(SmokeFailure):
    pass


class _Part(BaseModel):
    text: str = ""


class _Item(BaseModel):
    type: str
    content: list[_Part] | None = None


class _Outputs(BaseModel):
    model: str = ""
    failed: dict[str, str] = {}


class _Answer(BaseModel):
    output: list[_Item]
    custom_outputs: _Outputs | None = None


def smoke_test(client: WorkspaceClient, settings: EndpointSettings, question: str, entity: str) -> None:
    """Asks in the format of a ResponsesAgent; retries while the endpoint is busy or the previous version answers.

    The SDK's `query` cannot be used: it drops the response's field `output`, and after its own timeout it retries for
    five minutes. `entity` is the name of the served entity that must answer.

    Raises:
        SmokeFailure: an error, no answer in time, an empty answer, or one from another entity.
    """
    Retrying(
        retry=retry_if_exception_type(_Busy),
        stop=stop_after_delay(settings.smoke_seconds),
        wait=wait_fixed(settings.poll_seconds),
        reraise=True,
    )(_ask, client, settings, question, entity)


def _ask(client: WorkspaceClient, settings: EndpointSettings, question: str, entity: str) -> None:
    try:
        response = httpx.post(
            f"{client.config.host}/serving-endpoints/{settings.name}/invocations",
            json={"input": [{"role": "user", "content": question}]},
            headers=client.config.authenticate() | routing(client),
            timeout=settings.smoke_seconds,
        )
    except httpx.TimeoutException as error:
        raise SmokeFailure(f"no answer within {settings.smoke_seconds:g} s") from error
    except httpx.TransportError as error:
        raise _Busy(f"cannot be reached ({error or type(error).__name__})") from error
    if response.status_code in _BUSY:
        raise _Busy(f"HTTP {response.status_code}")
    if not response.is_success:
        raise SmokeFailure(f"HTTP {response.status_code} {one_line(response.text, 200)}")
    if (by := response.headers.get(_SERVED_BY, entity)) != entity:
        raise _Busy(f"answered by {by}, not by {entity}")
    check_answer(response.content)


def routing(client: WorkspaceClient) -> dict[str, str]:
    """The header that the SDK adds on hosts that several workspaces share."""
    workspace = getattr(client.config, "workspace_id", None)  # the runtimes' SDKs (0.67) do not support such hosts
    return {"X-Databricks-Workspace-Id": workspace} if workspace else {}


def check_answer(body: bytes) -> None:
    """Checks that a body is an answer by the primary model; a fallback would hide that no model is reachable.

    Raises:
        SmokeFailure: it is not an answer, it is empty, or a fallback gave it.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        raise SmokeFailure("a response that is not a ResponsesAgent's") from error
    if not answer_text(answer.model_dump()).strip():
        raise SmokeFailure("an empty answer")
    outputs = answer.custom_outputs or _Outputs()
    if outputs.failed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in outputs.failed.items())
        raise _Busy(f"the fallback {outputs.model} answered ({reasons})")
