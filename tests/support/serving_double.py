"""A loopback HTTP server that answers like the REST APIs of serving endpoints and model versions.

It has one endpoint, finishes an update after some requests for its state, and refuses what the platform refuses;
invalid requests are recorded in `Double.faults`. Formats and states: REST reference of serving-endpoints 2.0.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, RLock
from typing import Any

from databricks.sdk import WorkspaceClient

from tests.support.http_server import QuietHandler, serve

TOKEN = "token-of-the-double"
MODEL = "prod.rag.rag_chain"
NAME = "rag"
ID = "4f1c0d9e8b7a4c6f9d2e1a3b5c7d9e0f"
"""The endpoint's id, which only permissions use."""

_ENDPOINTS = "/api/2.0/serving-endpoints"
_PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
_LEVELS = {"CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"}
_TAG = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?")  # databricks/cli, libs/tags/gcp.go
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VERSIONS = f"/api/2.1/unity-catalog/models/{MODEL}/versions/"
_ENTITY_FIELDS = {
    "name",
    "entity_name",
    "entity_version",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "environment_vars",
}
_GATEWAY_FIELDS = {"inference_table_config", "usage_tracking_config", "rate_limits"}


class Refused(Exception):
    """An error response."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error_code": code, "message": message}


@dataclass
class Double:
    """The endpoint's state, the errors that a test asks for, and the changes that were requested."""

    versions: tuple[str, ...] = ("6", "7", "8")
    looks: int = 2  # an update is finished after this many requests for the state
    failing: set[str] = field(default_factory=set)  # versions whose container does not start
    hanging: dict[str, int] = field(default_factory=dict)  # versions that need more requests than `looks`
    answers: dict[str, list[str]] = field(default_factory=dict)  # by version: text, EMPTY, ERROR, SLOW, BUSY, STALE
    refusals: list[tuple[str, Refused]] = field(default_factory=list)  # "METHOD path-end" and its response, once each
    refuse_all: Refused | None = None
    workspace: str | None = None  # the id that requests must name on a shared host
    principals: tuple[str, ...] = ("ragops-admins", "ragops-callers", "me@example.com")  # known to the workspace
    permissions: dict[str, str] = field(default_factory=dict)  # level by principal, except the creator's
    looks_refused: dict[int, Refused] = field(default_factory=dict)  # by number of the request, from 1
    looked: int = 0
    lost_answers: int = 0  # accepted updates whose client gets a conflict
    endpoint: dict[str, Any] | None = None
    changes: list[tuple[str, Any]] = field(default_factory=list)  # requested changes in order
    faults: list[str] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    lock: RLock = field(default_factory=RLock)
    left: int = 0

    def serving(self, version: str, **entity: Any) -> None:
        """Sets the state that an earlier rollout left."""
        self.endpoint = {"name": NAME, "id": ID, "tags": [{"key": "made_by", "value": "hand"}]}
        served = {
            "name": f"rag_chain-{version}",
            "entity_name": MODEL,
            "entity_version": version,
            "workload_size": "Small",
            "workload_type": "CPU",
            "scale_to_zero_enabled": False,
        }
        route = {"served_model_name": served["name"], "traffic_percentage": 100}
        self._start({"served_entities": [served | entity], "traffic_config": {"routes": [route]}})
        self._finish()

    def updating_to(self, version: str, looks: int) -> None:
        """Starts an update by another client."""
        assert self.endpoint is not None
        config = json.loads(json.dumps(self.endpoint["config"]))
        name = f"rag_chain-{version}"
        config["served_entities"][0] |= {"name": name, "entity_version": version}
        config["traffic_config"]["routes"][0]["served_model_name"] = name
        self._start(config)
        self.left = looks

    def answer(self, method: str, path: str, body: Any) -> Any:
        for number, (pattern, refused) in enumerate(self.refusals):
            if f"{method} {path}".startswith(pattern.split()[0]) and path.endswith(pattern.split()[1]):
                del self.refusals[number]
                raise refused
        if self.refuse_all:
            raise self.refuse_all
        if (method, path) == ("GET", "/.well-known/databricks-config"):
            raise Refused(404, "NOT_FOUND", "older workspace")
        if method == "GET" and path.startswith(_VERSIONS):
            return self._version(path.removeprefix(_VERSIONS))
        if method == "GET" and path.startswith("/api/2.1/unity-catalog/models/"):
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "no such model")
        if (method, path) == ("POST", _ENDPOINTS):
            return self._create(body)
        if path.startswith(f"{_ENDPOINTS}/{NAME}"):
            return self._on_endpoint(method, path.removeprefix(f"{_ENDPOINTS}/{NAME}"), body)
        if (method, path) == ("GET", f"{_PERMISSIONS}/{ID}"):
            return {"access_control_list": [_access_entry(*one) for one in self.permissions.items()]}
        if method == "PATCH" and path.startswith(f"{_PERMISSIONS}/"):
            return self._grant(path.removeprefix(f"{_PERMISSIONS}/"), body)
        raise self._fault(f"unknown request {method} {path}")

    def _grant(self, endpoint_id: str, body: Any) -> Any:
        """Keeps the permissions of others and replaces those of the given principals; needs the id, not the name."""
        if endpoint_id != ID or self.endpoint is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"{endpoint_id} is not a valid Inference Endpoint ID.")
        given = {}
        for one in body["access_control_list"]:
            (kind,) = one.keys() - {"permission_level"}
            name, level = one[kind], one["permission_level"]
            if kind not in ("group_name", "user_name", "service_principal_name") or level not in _LEVELS:
                raise self._fault(f"a wrong permission: {one}")
            if ("@" in name) != (kind == "user_name"):
                raise self._fault(f"a wrong kind of principal: {one}")
            if name not in self.principals:
                raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Principal: {kind}({name}) does not exist")
            given[name] = level
        self.permissions |= given
        self.changes.append(("permissions", given))
        return {"object_id": f"/serving-endpoints/{ID}", "object_type": "serving-endpoint"}

    def _on_endpoint(self, method: str, rest: str, body: Any) -> Any:
        if self.endpoint is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint with name '{NAME}' does not exist.")
        if (method, rest) == ("GET", ""):
            return self._look()
        if (method, rest) == ("PUT", "/config"):
            self._check_config(body)
            self._check_free()
            self._start(body)
            self.changes.append(("update", _version(body)))
            if self.lost_answers:
                self.lost_answers -= 1
                self._check_free()
            return self.endpoint
        if (method, rest) == ("PATCH", "/tags"):
            added = self._tags(body["add_tags"])
            self.changes.append(("tags", added))
            kept = [tag for tag in self.endpoint["tags"] if tag["key"] not in added]
            self.endpoint["tags"] = [*kept, *body["add_tags"]]
            return {"tags": self.endpoint["tags"]}
        if (method, rest) == ("PUT", "/ai-gateway"):
            self._check_gateway(body)
            self.changes.append(("gateway", body))
            self.endpoint["ai_gateway"] = body
            return body
        raise self._fault(f"unknown request {method} {rest}")

    def _version(self, version: str) -> Any:
        if version not in self.versions:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"version {version} does not exist")
        return {"model_name": "rag_chain", "version": int(version), "status": "READY"}

    def _create(self, body: Any) -> Any:
        if self.endpoint is not None:
            raise Refused(409, "RESOURCE_ALREADY_EXISTS", "Endpoint exists")
        if body.get("name") != NAME or not body.keys() <= {"name", "config", "tags", "ai_gateway"}:
            raise self._fault(f"a wrong create: {sorted(body)}")
        self._check_config(body["config"])
        self._check_gateway(body.get("ai_gateway", {}))
        self._tags(body["tags"])
        self.endpoint = {"name": NAME, "id": ID, "tags": body["tags"]}
        if "ai_gateway" in body:
            self.endpoint["ai_gateway"] = body["ai_gateway"]
        self._start(body["config"])
        self.changes.append(("create", _version(body["config"])))
        return self.endpoint

    def _start(self, config: Any) -> None:
        assert self.endpoint is not None
        pending = json.loads(json.dumps(config))
        for entity in pending["served_entities"]:
            entity["state"] = {"deployment": "DEPLOYMENT_CREATING", "deployment_state_message": "building"}
        ready = "READY" if "config" in self.endpoint else "NOT_READY"
        self.endpoint |= {"pending_config": pending, "state": {"ready": ready, "config_update": "IN_PROGRESS"}}
        self.left = self.hanging.get(_version(config), self.looks)

    def _look(self) -> Any:
        assert self.endpoint is not None
        self.looked += 1
        if refused := self.looks_refused.get(self.looked):
            raise refused
        if self.endpoint["state"]["config_update"] == "IN_PROGRESS":
            self.left -= 1
            if self.left <= 0:
                self._finish()
        return self.endpoint

    def _finish(self) -> None:
        """The pending configuration becomes the active one; or fails, and the active one is unchanged."""
        assert self.endpoint is not None
        pending = self.endpoint["pending_config"]
        if _version(pending) in self.failing:
            for entity in pending["served_entities"]:
                entity["state"] = {
                    "deployment": "DEPLOYMENT_FAILED",
                    "deployment_state_message": "no module named\nchromadb",
                }
            self.endpoint["state"]["config_update"] = "UPDATE_FAILED"
            return
        for entity in pending["served_entities"]:
            entity["state"] = {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""}
        self.endpoint["config"] = self.endpoint.pop("pending_config")
        self.endpoint["state"] = {"ready": "READY", "config_update": "NOT_UPDATING"}

    def _check_free(self) -> None:
        assert self.endpoint is not None
        if self.endpoint["state"]["config_update"] == "IN_PROGRESS":
            raise Refused(409, "RESOURCE_CONFLICT", f"Endpoint '{NAME}' is currently being updated")

    def _check_config(self, config: Any) -> None:
        entities, routes = config.get("served_entities"), config.get("traffic_config", {}).get("routes")
        if not config.keys() <= {"served_entities", "traffic_config", "name"} or not entities or not routes:
            raise self._fault(f"a wrong configuration: {config}")
        for entity in entities:
            required = _ENTITY_FIELDS - {"environment_vars"}
            if not required <= entity.keys() <= _ENTITY_FIELDS or not re.fullmatch(r"[\w-]{1,63}", entity["name"]):
                raise self._fault(f"a wrong entity: {entity}")
            if entity["workload_size"] not in {"Small", "Medium", "Large"} or entity["entity_name"] != MODEL:
                raise self._fault(f"a wrong entity: {entity}")
            if not isinstance(entity["scale_to_zero_enabled"], bool) or not isinstance(entity["entity_version"], str):
                raise self._fault(f"a wrong entity: {entity}")
            for name, value in entity.get("environment_vars", {}).items():
                if not _VARIABLE.fullmatch(name) or not isinstance(value, str) or not value:
                    raise self._fault(f"a wrong environment variable: {name}={value}")
        if sum(route["traffic_percentage"] for route in routes) != 100:
            raise self._fault(f"routes that do not make 100: {routes}")
        if {route["served_model_name"] for route in routes} != {entity["name"] for entity in entities}:
            raise self._fault(f"routes to other entities: {routes}")

    def _check_gateway(self, gateway: Any) -> None:
        if not gateway.keys() <= _GATEWAY_FIELDS:
            raise self._fault(f"a wrong gateway: {gateway}")
        if "usage_tracking_config" in gateway or "rate_limits" in gateway:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "agent endpoints currently only support inference tables")

    def invoke(self, body: Any) -> tuple[int, str, Any]:
        """Status, the entity that answers, and its answer. Slow ones wait until the end of the test."""
        messages = body.get("input") if isinstance(body, dict) else None
        if not messages or body.keys() != {"input"} or [m.keys() for m in messages] != [{"role", "content"}]:
            raise self._fault(f"not the format of a ResponsesAgent: {body}")
        with self.lock:
            if self.endpoint is None or "config" not in self.endpoint:
                raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "nothing is served")
            version = _version(self.endpoint["config"])
            entity = self.endpoint["config"]["served_entities"][0]["name"]
            self.changes.append(("ask", version))
            queue = self.answers.get(version, [])
            answer = queue.pop(0) if queue else "The reference says so [1]."
        if answer == "SLOW":
            self.released.wait(30)
        if answer == "BUSY":
            raise Refused(503, "TEMPORARILY_UNAVAILABLE", "scaling up")
        if answer == "ERROR":
            raise Refused(500, "INTERNAL_ERROR", "Traceback\n  IndexError")
        text = "" if answer == "EMPTY" else answer
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "thinking"}]}
        return 200, "rag_chain-before" if answer == "STALE" else entity, {"output": [reasoning, message]}

    def _tags(self, tags: Any) -> dict[str, str]:
        """The tags by key. Refuses values that a cloud would refuse."""
        if wrong := [tag for tag in tags if not _TAG.fullmatch(tag["value"])]:
            raise Refused(400, "INVALID_PARAMETER_VALUE", f"The provided tag value {wrong[0]} is invalid")
        return {tag["key"]: tag["value"] for tag in tags}

    def _fault(self, what: str) -> Refused:
        self.faults.append(what)
        return Refused(400, "INVALID_PARAMETER_VALUE", what)


def _access_entry(name: str, level: str) -> Any:
    kind = "user_name" if "@" in name else "group_name"
    return {kind: name, "all_permissions": [{"permission_level": level, "inherited": False}]}


def _version(config: Any) -> str:
    return str(config["served_entities"][0]["entity_version"])


class _Handler(QuietHandler):
    double: Double

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        entity = ""
        try:
            if self.path != "/.well-known/databricks-config":
                self._admit()
            if (self.command, self.path) == ("POST", f"/serving-endpoints/{NAME}/invocations"):
                status, entity, answer = self.double.invoke(body)
            else:
                with self.double.lock:
                    status, answer = 200, self.double.answer(self.command, self.path.partition("?")[0], body)
        except Refused as refused:
            status, answer = refused.status, refused.body
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if entity:
            self.send_header("served-model-name", entity)
        self.end_headers()
        self.wfile.write(payload)

    def _admit(self) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            raise Refused(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type")
        if self.headers["X-Databricks-Workspace-Id"] != self.double.workspace:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "another workspace")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815


def client(address: str, double: Double, token: str = TOKEN) -> WorkspaceClient:
    """The SDK's client for the double. Older SDKs do not support workspace ids."""
    more = {"workspace_id": double.workspace} if double.workspace else {}
    return WorkspaceClient(host=address, token=token, auth_type="pat", **more)


@contextmanager
def served(double: Double) -> Iterator[str]:
    """The double's address while it runs."""
    with serve(_Handler, double=double) as address:
        try:
            yield address
        finally:
            double.released.set()
