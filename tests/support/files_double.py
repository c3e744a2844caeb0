"""A loopback HTTP server that acts as the workspace of a serving endpoint's container.

It has the Files API over a folder, with presigned URLs or without; an embedding endpoint; an experiment for traces; no
secrets. It refuses what the real one refuses; invalid requests are recorded in `Double.faults`. Formats: REST reference
of the Files API 2.0; MLflow's client.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from databricks.sdk.credentials_provider import ModelServingAuthProvider

from tests.support.http_server import QuietHandler, serve

TOKEN = "token-of-the-container"
VOLUMES = "/Volumes/main/rag/"
EXPERIMENT = "17"

_FILES, _FOLDERS, _STORAGE = "/api/2.0/fs/files", "/api/2.0/fs/directories", "/storage"
_LISTED_AT_ONCE = 3
_CODES = {400: "INVALID_PARAMETER_VALUE", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


@dataclass
class Double:
    """The state of the server.

    Attributes:
        volumes: the folder of the schema's volumes.
        presigned: whether downloads use presigned URLs.
        refused: HTTP status for files, by the end of their path.
        cut: how often the download of a file is cut off in its middle, by the end of its path.
        lost: how often the response to a written file is lost, by the end of its path.
        slow: ends of paths of files that wait until `released` is set.
        released: see `slow`.
        down: whether connections are closed without an answer.
        embed: the embedding endpoint; None if there is none.
        traces: those of the experiment, in order; their spans are in a folder next to the volumes.
        asked: "METHOD path" of requests for files, in order.
        faults: invalid requests.
    """

    volumes: Path
    presigned: bool = True
    refused: dict[str, int] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    released: Event = field(default_factory=Event)
    down: bool = False
    embed: Callable[[str], Sequence[float]] | None = None
    traces: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def local(self, path: str) -> Path | None:
        """Where a path of the Files API is here; None if it is not one of the schema's volumes."""
        return self.volumes / path.removeprefix(VOLUMES) if path.startswith(VOLUMES) and ".." not in path else None

    def times(self, method: str, end: str) -> int:
        """The number of requests for a file."""
        return sum(one.startswith(method) and one.endswith(end) for one in self.asked)

    def store_trace(self, trace: dict[str, Any]) -> dict[str, Any]:
        """A trace, with a folder as the location of its spans; a real workspace has a storage."""
        info = trace["trace"]["trace_info"]
        if info["trace_location"]["mlflow_experiment"]["experiment_id"] != EXPERIMENT:
            self.faults.append(f"a trace of another experiment: {info}")
        location = (self.volumes.parent / "traces" / info["trace_id"]).as_uri()
        info["tags"] = info.get("tags", {}) | {"mlflow.artifactLocation": location}
        self.traces.append(info)
        return trace

    def is_due(self, failures: dict[str, int], path: str) -> bool:
        """Whether a failure has to happen for the path; counts it."""
        for end, left in failures.items():
            if path.endswith(end) and left:
                failures[end] = left - 1
                return True
        return False


class FilesHandler(QuietHandler):
    """One connection to the double."""

    double: Double
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answers one request."""
        body = self._chunks() if self.headers.get("Transfer-Encoding") == "chunked" else self.sized()
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        path = unquote(url.path)
        if self.double.down:
            self.close_connection = True
        elif path == "/.well-known/databricks-config":
            self.refuse(404, "older workspace")
        elif path.startswith(_STORAGE) and self.command == "GET":
            if "Authorization" in self.headers:
                self.double.faults.append("the token was sent to a storage with presigned URLs")
            self._get(path.removeprefix(_STORAGE))
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.refuse(401, "Credential was not sent or was of an unsupported type")
        elif (self.command, path) == ("POST", "/api/2.0/fs/create-download-url") and self.double.presigned:
            host = f"http://127.0.0.1:{self.server.server_port}"
            self.send(200, {"url": f"{host}{_STORAGE}{quote(query['path'])}?signature=s", "headers": []})
        elif (self.command, path) == ("POST", "/api/2.0/fs/create-download-url"):
            self.refuse(404, "presigned URLs are not enabled")
        elif self.command == "GET" and path.startswith(_FILES):
            self._get(path.removeprefix(_FILES))
        elif self.command == "PUT" and path.startswith(_FILES):
            self._put(path.removeprefix(_FILES), query, body)
        elif self.command == "DELETE" and path.startswith(_FILES):
            self._delete(path.removeprefix(_FILES))
        elif path.startswith(_FOLDERS):
            self._folder(path.removeprefix(_FOLDERS), query)
        elif (self.command, path) == ("GET", "/api/2.0/secrets/get"):
            self.refuse(404, "No such secret")
        elif (self.command, path) == ("GET", "/api/2.0/mlflow/experiments/get"):
            self.send(200, {"experiment": {"experiment_id": query["experiment_id"], "name": "/quality"}})
        elif (self.command, path) == ("POST", "/api/3.0/mlflow/traces"):
            self.send(200, self.double.store_trace(json.loads(body)))
        elif (self.command, path) == ("POST", "/serving-endpoints/embeddings") and self.double.embed:
            rows = [list(map(float, self.double.embed(text))) for text in json.loads(body)["input"]]
            self.send(200, {"data": [{"index": n, "embedding": row} for n, row in enumerate(rows)]})
        else:
            self.refuse(400, f"unknown request {self.command} {self.path}", fault=True)

    def sized(self) -> bytes:
        """The body, of the length that its header says."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        """Older SDKs send even an empty body in chunks."""
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    def _local(self, path: str) -> Path | None:
        """The file of a path on a volume; None if the request was refused."""
        self.double.asked.append(f"{self.command} {path}")
        file = self.double.local(path)
        if file is None:
            self.refuse(400, f"not one of the schema's volumes: {path}", fault=True)
            return None
        for end in self.double.slow:
            if path.endswith(end):
                self.double.released.wait(60)
        for end, status in self.double.refused.items():
            if path.endswith(end):
                self.refuse(status, "refused by the test")
                return None
        return file

    def _get(self, path: str) -> None:
        file = self._local(path)
        if file is None:
            return
        if not file.is_file():
            self.refuse(404, "The file being accessed is not found")
            return
        content, changed = file.read_bytes(), int(file.stat().st_mtime)
        since = self.headers["If-Unmodified-Since"]
        if since and changed > parsedate_to_datetime(since).timestamp():
            self.refuse(412, "changed")
            return
        begin = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("Last-Modified", formatdate(changed, usegmt=True))
        self.end_headers()
        if self.double.is_due(self.double.cut, path):
            self.wfile.write(content[begin : (begin + len(content)) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content[begin:])

    def _put(self, path: str, query: dict[str, str], body: bytes) -> None:
        file = self._local(path)
        if file is None:
            return
        if "overwrite" not in query or self.headers["Content-Type"] != "application/octet-stream":
            self.refuse(400, f"not a file: {query}, {self.headers['Content-Type']}", fault=True)
        elif not file.parent.is_dir():
            self.refuse(404, "The parent folder does not exist")
        elif file.exists() and query["overwrite"] != "true":
            self.send(409, {"error_code": "ALREADY_EXISTS", "message": "The file being created already exists."})
        else:
            file.write_bytes(body)
            if self.double.is_due(self.double.lost, path):
                self.close_connection = True
            else:
                self._done()

    def _delete(self, path: str) -> None:
        file = self._local(path)
        if file is None:
            return
        if not file.is_file():
            self.refuse(404, "The file being accessed is not found")
            return
        file.unlink()
        self._done()

    def _folder(self, path: str, query: dict[str, str]) -> None:
        """By the reference: PUT also creates parents, DELETE needs an empty folder, GET lists in pages."""
        folder = self._local(path)
        if folder is None:
            return
        volume = path.removeprefix(VOLUMES).partition("/")[0]
        if path.startswith(VOLUMES) and not (self.double.volumes / volume).is_dir():
            self.refuse(404, f"Volume {volume} does not exist")
        elif self.command == "PUT":
            folder.mkdir(parents=True, exist_ok=True)
            self._done()
        elif not folder.is_dir():
            self.refuse(404, "The directory being accessed is not found")
        elif self.command == "HEAD":
            self._done()
        elif self.command == "DELETE" and any(folder.iterdir()):
            self.refuse(400, "The directory is not empty")
        elif self.command == "DELETE":
            folder.rmdir()
            self._done()
        else:
            self.send(200, self._page(path, folder, int(query.get("page_token") or 0)))

    def _page(self, path: str, folder: Path, begin: int) -> dict[str, Any]:
        entries = sorted(folder.iterdir(), reverse=True)
        shown = [
            {"path": f"{path}/{one.name}", "name": one.name, "is_directory": one.is_dir()}
            | ({} if one.is_dir() else {"file_size": one.stat().st_size})
            | {"last_modified": int(one.stat().st_mtime * 1000)}
            for one in entries[begin : begin + _LISTED_AT_ONCE]
        ]
        more = {"next_page_token": str(begin + _LISTED_AT_ONCE)} if begin + _LISTED_AT_ONCE < len(entries) else {}
        return {"contents": shown} | more

    def _done(self) -> None:
        self.send_response(204)
        self.end_headers()

    def refuse(self, status: int, message: str, fault: bool = False) -> None:
        """Sends an error."""
        if fault:
            self.double.faults.append(message)
        self.send(status, {"error_code": _CODES.get(status, "INTERNAL_ERROR"), "message": message})

    def send(self, status: int, answer: Any) -> None:
        """Sends JSON."""
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


@contextmanager
def served(double: Double) -> Iterator[str]:
    """Runs the server; yields its address."""
    with serve(FilesHandler, double=double) as address:
        try:
            yield address
        finally:
            double.released.set()


def container(address: str, folder: Path) -> dict[str, str]:
    """The environment variables of a container, with its token in a file in `folder`."""
    folder.mkdir(exist_ok=True)
    token = {"OAUTH_TOKEN": [{"oauthTokenValue": TOKEN}]}
    (folder / "model-dependencies-oauth-token").write_text(json.dumps(token))
    return {
        "IS_IN_DB_MODEL_SERVING_ENV": "true",
        "DB_MODEL_SERVING_HOST_URL": address,
        "SERVING_CREDENTIALS_DIR": str(folder),
        "DATABRICKS_CONFIG_FILE": str(folder / "none"),
    }


def enter(address: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Makes this process look like a container's: no runtime, no local workspace, no login of the user."""
    for name in ("DATABRICKS_RUNTIME_VERSION", "DATABRICKS_HOST", "DATABRICKS_TOKEN", "LOCALBUNDLE_HOME"):
        patch.delenv(name, raising=False)
    for name, value in container(address, folder / "credentials").items():
        patch.setenv(name, value)
    # Newer SDKs read SERVING_CREDENTIALS_DIR; those of the runtimes (0.67) know only this path.
    token = str(folder / "credentials" / "model-dependencies-oauth-token")
    patch.setattr(ModelServingAuthProvider, "_MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH", token)
    patch.chdir(folder)
    patch.setattr("ragops.platform.volumes.files_api._RETRY_SECONDS", 1)
