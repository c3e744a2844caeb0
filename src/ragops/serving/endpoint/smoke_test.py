"""One question to a serving endpoint, to see that people get an answer there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from pydantic import BaseModel, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from ragops.serving.endpoint.settings import EndpointSettings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# What the platform says while no replica can take the question, or routes lag behind the state READY.
_BUSY = {429, 502, 503, 504}
_SERVED_BY = "served-model-name"


class SmokeFailure(Exception):
    """The endpoint did not answer as it should; one line, of which the answer's text is no part."""


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
    """Asks in the format of a ResponsesAgent; again while the endpoint is busy, or answers with what served before.

    Not through the SDK's `query`: it leaves out the answer's field `output`, and after its own limit of time it asks
    anew for five minutes. `entity`: name of the served entity that must have answered.

    Raises:
        SmokeFailure: an error, no answer in time, an empty one, or one from another entity.
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
            headers=client.config.authenticate() | _routing(client),
            timeout=settings.smoke_seconds,
        )
    except httpx.TimeoutException as error:
        raise SmokeFailure(f"no answer within {settings.smoke_seconds:g} s") from error
    except httpx.TransportError as error:
        raise _Busy(f"cannot be reached ({error or type(error).__name__})") from error
    if response.status_code in _BUSY:
        raise _Busy(f"HTTP {response.status_code}")
    if not response.is_success:
        raise SmokeFailure(f"HTTP {response.status_code} {' '.join(response.text.split())[:200]}")
    if (by := response.headers.get(_SERVED_BY, entity)) != entity:
        raise _Busy(f"answered by {by}, not by {entity}")
    check_answer(response.content)


def _routing(client: WorkspaceClient) -> dict[str, str]:
    """What the SDK adds for hosts that several workspaces share."""
    workspace = getattr(client.config, "workspace_id", None)  # the runtimes' SDKs (0.67) know of no such hosts
    return {"X-Databricks-Workspace-Id": workspace} if workspace else {}


def check_answer(body: bytes) -> None:
    """Sees that a body is an answer by the model that should give it; a fallback may hide that none can be reached.

    Raises:
        SmokeFailure: it is something else, it is empty, or another model stood in.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        raise SmokeFailure("an answer that is not a ResponsesAgent's") from error
    if not "".join(part.text for one in answer.output if one.type == "message" for part in one.content or []).strip():
        raise SmokeFailure("an empty answer")
    result = answer.custom_outputs or _Outputs()
    if result.failed:
        why = "; ".join(f"{name}: {reason}" for name, reason in result.failed.items())
        raise _Busy(f"{result.model} stood in for {why}")
