"""The workspace of a Databricks App: `files_double`, and login by client id, Unity Catalog's registry, an endpoint.

Of the registry it has what MLflow asks for an alias and for a version's files, which it then gets by the Files API.
Formats: MLflow 3.17's client; RFC 8414 and 6749 for the login; REST reference of serving-endpoints 2.0.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.files_double import EXPERIMENT, TOKEN, Double, FilesHandler
from tests.support.http_server import serve

CLIENT_ID, CLIENT_SECRET = "00000000-0000-0000-0000-000000000017", "secret-of-the-app"
MODEL, ENDPOINT = "main.rag.chain", "chat"
USER_TOKEN = "token-of-ann"
GROUPS = ("staff", "everybody")

_FILES_OF_MODEL = f"/Models/{MODEL.replace('.', '/')}/"
_REGISTRY = "/api/2.0/mlflow/unity-catalog"


@dataclass
class AppDouble(Double):
    """The state of the workspace.

    Attributes:
        models: the folder with the files of the registered model, a folder for each version.
        champion: the version that the alias names; "" if there is none.
        respond: the endpoint: from the body of a request to the events of its stream; None if there is no endpoint.
        queried: the bodies of the endpoint's requests.
        streaming: set once the first event of an answer is sent.
        resumed: the next events wait for it.
        logins: how often a token was given for client id and secret.
    """

    models: Path = field(default_factory=Path)
    champion: str = ""
    respond: Callable[[dict[str, Any]], Iterator[Mapping[str, Any]]] | None = None
    queried: list[dict[str, Any]] = field(default_factory=list)
    streaming: Event = field(default_factory=Event)
    resumed: Event = field(default_factory=Event)
    logins: int = 0

    def local(self, path: str) -> Path | None:
        """Files of the registered model, too."""
        if path.startswith(_FILES_OF_MODEL) and ".." not in path:
            return self.models / path.removeprefix(_FILES_OF_MODEL)
        return super().local(path)


class _Handler(FilesHandler):
    double: AppDouble

    def answer(self) -> None:
        """Answers what the App asks besides files."""
        path = urlsplit(self.path).path
        if path == "/.well-known/databricks-config":
            self.send(200, {"oidc_endpoint": f"{self._host}/oidc", "account_id": "a", "workspace_id": "7"})
        elif path == "/oidc/.well-known/oauth-authorization-server":
            self.send(200, {f"{name}_endpoint": f"{self._host}/oidc/v1/{name}" for name in ("authorization", "token")})
        elif path == "/oidc/v1/token":
            self._log_in()
        elif path == "/api/2.0/preview/scim/v2/Me" and self.headers["Authorization"] == f"Bearer {USER_TOKEN}":
            self.send(200, {"userName": "ann@firm", "groups": [{"display": name} for name in GROUPS]})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            super().answer()
        elif path.startswith(_REGISTRY):
            self._registry(path.removeprefix(_REGISTRY))
        elif path == "/api/2.0/mlflow/experiments/get-by-name":
            self.send(200, {"experiment": {"experiment_id": EXPERIMENT, "name": "/quality"}})
        elif path == f"/api/2.0/serving-endpoints/{ENDPOINT}":
            served = {"name": "chain-3", "entity_name": MODEL, "entity_version": "3"}
            self.send(200, {"name": ENDPOINT, "config": {"served_entities": [served]}})
        elif path == f"/serving-endpoints/{ENDPOINT}/invocations":
            self._stream(json.loads(self.sized()))
        else:
            super().answer()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    @property
    def _host(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _log_in(self) -> None:
        form = {name: values[-1] for name, values in parse_qs(self.sized().decode()).items()}
        expected = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if self.headers["Authorization"] != expected or form.get("grant_type") != "client_credentials":
            self.refuse(401, "invalid_client", fault=True)
            return
        self.double.logins += 1
        self.send(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})

    def _registry(self, path: str) -> None:
        body = self.sized()
        if path == "/registered-models:is-databricks-sdk-models-artifact-repository-enabled":
            self.send(200, {"is_databricks_sdk_models_artifact_repository_enabled": True})
        elif path == "/model-versions/emit-lineage" and body:
            self.send(200, {})
        elif path == "/registered-models/alias" and not self.double.champion:
            missing = f"Registered model alias 'champion' of '{MODEL}' does not exist."
            self.send(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": missing})
        elif path == "/registered-models/alias":
            self.send(200, {"model_version": {"name": MODEL, "version": self.double.champion, "status": "READY"}})
        else:
            self.refuse(400, f"unknown request {self.command} {self.path}", fault=True)

    def _stream(self, body: dict[str, Any]) -> None:
        assert self.double.respond is not None
        self.double.queried.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in self.double.respond(body):
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
            self.double.streaming.set()
            self.double.resumed.wait(60)


@contextmanager
def app_workspace(double: AppDouble) -> Iterator[str]:
    """Runs the workspace; yields its address."""
    with serve(_Handler, double=double) as address:
        try:
            yield address
        finally:
            double.released.set()
            double.resumed.set()
