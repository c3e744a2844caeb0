"""A double of Unity Catalog's prompt service over loopback HTTP, as far as MLflow's own client uses it.

It stores prompts, and refuses what the service refuses: names without three levels, invalid tags, a missing token. An
alias exists only once it is set, `latest` included, and versions are listed in pages.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from ragops.platform.mlflow_store import use_mlflow
from tests.support.catalog_rules import refusal
from tests.support.http_server import QuietHandler, serve

PROMPTS = "/api/2.0/mlflow/unity-catalog/prompts"
TOKEN = "a-token"
_NAME = r"(?P<name>[^/.]+\.[^/.]+\.[^/.]+)"

store: dict[str, list[dict[str, Any]]] = {}
aliases: dict[tuple[str, str], str] = {}
MISSING = "RESOURCE_DOES_NOT_EXIST"
"""The error code for a missing prompt or version; NOT_FOUND was seen, too (mlflow/mlflow#17495)."""
_PAGE = 2


class Refused(Exception):
    """An error response: its code and message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


off: list[Refused] = []
"""The response to every request while the preview is disabled."""


class CatalogDouble(QuietHandler):
    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}") if length else {}
        try:
            status, answer = 200, self._route(body)
        except Refused as refused:
            status, answer = 404, {"error_code": refused.code, "message": f"{self.path}: {refused}"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _route(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self.path.startswith(PROMPTS):
            raise Refused("ENDPOINT_NOT_FOUND")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            raise Refused("PERMISSION_DENIED")
        if off:
            raise off[0]
        path = self.path.removeprefix(PROMPTS).partition("?")[0]
        if self.command == "POST" and not path:
            return _create(body["prompt"])
        if self.command == "POST" and (found := re.fullmatch(rf"/{_NAME}/versions", path)):
            return _create_version(found["name"], body["prompt_version"])
        if self.command == "POST" and (found := re.fullmatch(rf"/{_NAME}/aliases/(?P<alias>[\w-]+)", path)):
            if found["alias"] == "latest":
                raise Refused("INVALID_PARAMETER_VALUE", "'latest' alias name (case insensitive) is reserved.")
            aliases[found["name"], found["alias"]] = body["version"]
            return {}
        if self.command == "POST" and (found := re.fullmatch(rf"/{_NAME}/versions/search", path)):
            return _search(found["name"], int(body.get("page_token") or 0))
        if self.command == "GET" and (found := re.fullmatch(rf"/{_NAME}/versions/by-alias/(?P<alias>[\w-]+)", path)):
            return _version(found["name"], aliases.get((found["name"], found["alias"]), "0"))
        if self.command == "GET" and (found := re.fullmatch(rf"/{_NAME}/versions/(?P<version>\d+)", path)):
            return _version(found["name"], found["version"])
        if self.command == "POST" and (found := re.fullmatch(rf"/{_NAME}/versions/(?P<version>\d+)/tags", path)):
            return _tag(found["name"], found["version"], {"key": body["key"], "value": body["value"]})
        if self.command == "DELETE" and (found := re.fullmatch(rf"/{_NAME}/versions/(?P<version>\d+)", path)):
            assert found["version"] == str(len(store[found["name"]])), "only the newest version is ever removed"
            store[found["name"]].pop()
            return {}
        if self.command == "DELETE" and (found := re.fullmatch(rf"/{_NAME}", path)):
            if store[found["name"]]:
                raise Refused("INVALID_PARAMETER_VALUE", "the prompt has versions")
            del store[found["name"]]
            return {}
        raise Refused("ENDPOINT_NOT_FOUND")


def _tag(name: str, version: str, tag: dict[str, str]) -> dict[str, Any]:
    stored = store[name][int(version) - 1]
    stored["tags"] = _checked([one for one in stored.get("tags", ()) if one["key"] != tag["key"]] + [tag])
    return {}


def _checked(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    if reason := refusal({tag["key"]: tag["value"] for tag in tags}):
        raise Refused("INVALID_PARAMETER_VALUE", reason)
    return tags


def _create(prompt: dict[str, Any]) -> dict[str, Any]:
    if not re.fullmatch(_NAME, prompt["name"]):
        raise Refused("INVALID_PARAMETER_VALUE")
    if prompt["name"] in store:
        raise Refused("ALREADY_EXISTS")
    _checked(prompt.get("tags", []))
    store[prompt["name"]] = []
    return prompt


def _create_version(name: str, version: dict[str, Any]) -> dict[str, Any]:
    if name not in store:
        raise Refused(MISSING)
    _checked(version.get("tags", []))
    store[name].append(version | {"name": name, "version": str(len(store[name]) + 1)})
    return store[name][-1]


def _search(name: str, first: int) -> dict[str, Any]:
    """A page of versions, oldest first; the service promises no order."""
    if name not in store:
        raise Refused(MISSING)
    page: dict[str, Any] = {"prompt_versions": store[name][first : first + _PAGE]}
    is_last = len(store[name]) <= first + _PAGE
    return page if is_last else page | {"next_page_token": str(first + _PAGE)}


def _version(name: str, version: str) -> dict[str, Any]:
    if not 0 < int(version) <= len(store.get(name, ())):
        raise Refused(MISSING)
    mine = [alias for (owner, alias), which in aliases.items() if (owner, which) == (name, version)]
    return store[name][int(version) - 1] | {"aliases": [{"alias": alias, "version": version} for alias in mine]}


@contextmanager
def catalog_client(patch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """MLflow's client as in a task on Databricks, connected to an empty double."""
    for state in (store, aliases, off):
        state.clear()
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    for name in ("TRACKING_URI", "REGISTRY_URI"):
        patch.setenv(f"MLFLOW_{name}", "")
    with serve(CatalogDouble) as address:
        patch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5.2")
        patch.setenv("DATABRICKS_HOST", address)
        patch.setenv("DATABRICKS_TOKEN", TOKEN)
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")
        use_mlflow()
        yield MlflowClient()
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])
