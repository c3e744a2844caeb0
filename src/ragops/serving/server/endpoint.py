"""The serving endpoint as what answers: this server passes questions on, with the user's groups, and streams answers.

The endpoint trusts the groups that its callers name, so it must admit none but this server and others that know their
users. Passages are read from the index here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from ragops.answers.chain.types import Query
from ragops.answers.retrieval.search import Searcher
from ragops.assembly import Locations, open_searcher
from ragops.errors import RequestError, UserError, needing
from ragops.serving.endpoint.smoke_test import routing
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.types import Answered, Answering, Backend, Citation, NotReady, Refused
from ragops.text import one_line, reason
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_CONNECT_S = 10.0
_RETRY_S = 5
_BUSY = {429, 502, 503, 504}  # no replica is free, or none is ready
_REASON_LENGTH = 200


class ServedEndpoint:
    """Where the backend comes from: the endpoint's active configuration."""

    def __init__(self, client: WorkspaceClient, name: str, use_case: UseCase, locations: Locations) -> None:
        self._client, self._name, self._use_case, self._locations = client, name, use_case, locations

    def wanted(self) -> ChainVersion:
        """The version that the endpoint serves.

        Raises:
            NotReady: it does not exist, or serves nothing yet.
            NotPermitted: this identity may not query it.
        """
        from databricks.sdk.errors import NotFound

        what = f"serving endpoint {self._name}"
        with needing("CAN QUERY", what):
            try:
                found = self._client.serving_endpoints.get(self._name)
            except NotFound as error:
                raise NotReady(f"{what}: does not exist; run the job release, which creates it") from error
        entities = found.config.served_entities if found.config else None
        if not entities:
            raise NotReady(f"{what}: serves nothing yet; wait until its first update is finished")
        return ChainVersion(entities[0].entity_name or self._name, entities[0].entity_version or "")

    def open(self, version: ChainVersion) -> Backend:
        """Opens the index beside it. Raises as `assembly.open_searcher`."""
        searcher = open_searcher(self._use_case, self._locations)
        deadline_s = self._use_case.models.answer.deadline_s
        return EndpointBackend(self._client, self._name, version, searcher, deadline_s)


class EndpointBackend:
    """Answers of the endpoint."""

    def __init__(
        self, client: WorkspaceClient, name: str, version: ChainVersion, searcher: Searcher, deadline_s: float
    ) -> None:
        self._client, self._name, self._version, self._searcher = client, name, version, searcher
        self._http = httpx.Client(timeout=httpx.Timeout(deadline_s, connect=_CONNECT_S))

    @property
    def version(self) -> ChainVersion:
        """The version that the endpoint served when it was last asked."""
        return self._version

    @property
    def searcher(self) -> Searcher:
        """The index."""
        return self._searcher

    def stream(self, query: Query) -> Answering:
        """The answer in pieces; closing the generator hangs up.

        Raises:
            RequestError: the endpoint refuses the question.
            Refused: 429, it is busy.
            UserError: it fails or cannot be reached.
        """
        url = f"{self._client.config.host}/serving-endpoints/{self._name}/invocations"
        headers = self._client.config.authenticate() | routing(self._client)
        try:
            with self._http.stream("POST", url, json=_body(query), headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response)
                for event in _events(response):
                    if event.get("type") == "response.output_text.delta":
                        yield str(event.get("delta", ""))
                    elif event.get("type") == "response.output_item.done":
                        return _answered(event["item"], event.get("custom_outputs") or {})
                    elif "output" in event:  # a whole response
                        return _answered(event["output"][-1], event.get("custom_outputs") or {})
        except httpx.TransportError as error:
            raise UserError(f"serving endpoint {self._name}: no answer ({reason(error)}); ask again") from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            what = f"serving endpoint {self._name}: not the format of a ResponsesAgent ({reason(error)})"
            raise UserError(f"{what}; let it serve the chain of the job release") from error
        raise UserError(f"serving endpoint {self._name}: its answer has no end; ask again")

    def close(self) -> None:
        """Closes index and connections."""
        self._searcher.close()
        self._http.close()

    def _refusal(self, response: httpx.Response) -> UserError:
        try:
            body = response.json()
        except ValueError:
            body = {}
        said = one_line(body.get("message") or response.text, _REASON_LENGTH)
        if response.status_code == 400 and body.get("error_code") == "INVALID_PARAMETER_VALUE":
            return RequestError(said)
        what = f"serving endpoint {self._name}: HTTP {response.status_code} {said}"
        if response.status_code in _BUSY:
            return Refused(429, "endpoint_busy", f"{what}; try again in {_RETRY_S} s", _RETRY_S)
        return UserError(f"{what}; read the endpoint's logs under Serving")


def _body(query: Query) -> dict[str, Any]:
    turns = [{"role": one.role, "content": one.content} for one in query.history]
    return {
        "input": [*turns, {"role": "user", "content": query.text}],
        "custom_inputs": {"groups": list(query.groups)},
        "context": {"user_id": query.who},
        "stream": True,
    }


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream; or the whole response as the only one."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        response.read()
        yield response.json()
        return
    for line in response.iter_lines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield json.loads(data)


def _answered(item: dict[str, Any], outputs: dict[str, Any]) -> Answered:
    (part,) = item["content"]
    citations = (
        Citation(one["index"], one["file_id"], one["filename"])
        for one in part.get("annotations") or ()
        if one["type"] == "file_citation"
    )
    return Answered(part["text"], tuple(citations), outputs)
