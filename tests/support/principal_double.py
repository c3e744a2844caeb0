"""A loopback HTTP server that answers a service principal as a workspace does: a token for its secret, and its rights.

It refuses what the principal lacks rights for, in either of the ways of the platform: as forbidden, or as not there.
Shapes: REST references of the Files API, experiments, serving endpoints and secrets 2.0; OAuth for service principals.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.http_server import QuietHandler, serve

ID, SECRET = "00000000-0000-0000-0000-000000000001", "a-secret"
ALL = frozenset({"READ VOLUME", "WRITE VOLUME", "CAN EDIT", "CAN QUERY", "READ"})
_TOKEN = "a-token"
_VOLUMES, _FILES = "/api/2.0/fs/directories/Volumes/main/rag/", "/api/2.0/fs/files/Volumes/main/rag/"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Principal:
    """Its rights, and what it changed: files on the ledger's volume and tags of the experiment."""

    rights: frozenset[str] = ALL
    hidden: bool = False  # objects that it may not see are reported as missing
    broken: Refused | None = None  # the response to every request
    files: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)  # requests that are unknown to a workspace
    endpoints: frozenset[str] = frozenset({"a-model", "an-encoder"})

    def answer(self, method: str, path: str, body: dict[str, Any], query: str) -> dict[str, Any]:
        if self.broken:
            raise self.broken
        if (method, path) == ("GET", _VOLUMES + "indexes"):
            self._needs("READ VOLUME")
            return {"contents": []}
        if (method, path) == ("PUT", _VOLUMES + "ledger"):
            self._needs("WRITE VOLUME")
            return {}
        if path.startswith(_FILES + "ledger/") and method in ("PUT", "DELETE"):
            self._needs("WRITE VOLUME")
            (self.files.add if method == "PUT" else self.files.remove)(path)
            return {}
        if (method, path) == ("POST", "/api/2.0/mlflow/experiments/set-experiment-tag"):
            self._needs("CAN EDIT")
            if body.keys() == {"experiment_id", "key", "value"} and body["experiment_id"] == "17":
                self.tags[body["key"]] = body["value"]
                return {}
        if method == "GET" and path.startswith("/api/2.0/serving-endpoints/"):
            return self._endpoint(path.rpartition("/")[2])
        if (method, path) == ("GET", "/api/2.0/secrets/get") and "scope=ragops-main" in query:
            self._needs("READ")
            return {"key": "payload-keys", "value": base64.b64encode(b"k").decode()}
        self.faults.append(f"unknown request {method} {path} {query} {body}")
        raise Refused(400, "INVALID_PARAMETER_VALUE")

    def _endpoint(self, name: str) -> dict[str, Any]:
        if name not in self.endpoints:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST")
        if self.hidden:
            return {"name": name, "permission_level": "CAN_QUERY" if "CAN QUERY" in self.rights else "CAN_VIEW"}
        self._needs("CAN QUERY")
        return {"name": name, "permission_level": "CAN_QUERY"}

    def _needs(self, right: str) -> None:
        if right not in self.rights:
            raise Refused(404, "NOT_FOUND") if self.hidden else Refused(403, "PERMISSION_DENIED")


class _Handler(QuietHandler):
    principal: Principal

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        try:
            answer = self._route(path, query, content)
            self._send(204 if path.startswith(_FILES) else 200, answer)
        except Refused as refused:
            self._send(refused.status, {"error_code": refused.code, "message": f"{refused.code} for {ID}"})

    def _route(self, path: str, query: str, content: bytes) -> dict[str, Any]:
        own = f"http://{self.headers['Host']}/oidc/v1/"
        if path == "/oidc/.well-known/oauth-authorization-server":
            return {"authorization_endpoint": f"{own}authorize", "token_endpoint": f"{own}token"}
        if path == "/oidc/v1/token":
            known = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
            if self.headers["Authorization"] != f"Basic {known}":
                raise Refused(401, "invalid_client")
            return {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 3600}
        if path == "/.well-known/databricks-config":  # where newer SDKs look first
            return {"oidc_endpoint": f"http://{self.headers['Host']}/oidc"}
        if self.headers["Authorization"] != f"Bearer {_TOKEN}":
            raise Refused(401, "UNAUTHENTICATED")
        body = json.loads(content) if content and not path.startswith(_FILES) else {}
        return self.principal.answer(self.command, path, body, query)

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        content = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815


@contextmanager
def served(principal: Principal) -> Iterator[str]:
    """The workspace's address while it runs."""
    with serve(_Handler, principal=principal) as address:
        yield address
