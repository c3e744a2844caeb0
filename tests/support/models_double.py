"""Unity Catalog's service of registered models over loopback HTTP, for the requests of MLflow's client in tests.

It refuses what the service refuses: names without three levels, an existing name, invalid tags, a reserved alias, a
missing token. Tests put versions into it directly, because uploading one includes its files.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.catalog_rules import refusal
from tests.support.http_server import QuietHandler, serve

TOKEN = "a-token"
_ROOT = "/api/2.0/mlflow/unity-catalog/"


class Refused(Exception):
    """An error response: its code and its message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


@dataclass
class Models:
    """Tags by model name and version, and aliases. `missing` is the code of the response for a missing object."""

    missing: str = "RESOURCE_DOES_NOT_EXIST"
    versions: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)

    def answer(self, what: str, given: dict[str, str]) -> dict[str, Any]:
        if not re.fullmatch(r"[^./]+\.[^./]+\.[^./]+", given.get("name", "")):
            raise Refused("INVALID_PARAMETER_VALUE", f"{given.get('name')} is not a three-level name")
        name = given["name"]
        if what == "POST registered-models/create":
            if name in self.versions:
                raise Refused("RESOURCE_ALREADY_EXISTS")
            self.versions[name] = {}
            return {"registered_model": {"name": name}}
        if name not in self.versions:
            raise Refused(self.missing, f"Registered model '{name}' does not exist")
        if what == "GET registered-models/get":
            return {"registered_model": {"name": name}}
        if what == "POST model-versions/set-tag":
            return self._tag(self.versions[name][given["version"]], given)
        return self._on_alias(what, name, given)

    def _tag(self, tags: dict[str, str], given: dict[str, str]) -> dict[str, Any]:
        if reason := refusal(tags | {given["key"]: given["value"]}):
            raise Refused("INVALID_PARAMETER_VALUE", reason)
        tags[given["key"]] = given["value"]
        return {}

    def _on_alias(self, what: str, name: str, given: dict[str, str]) -> dict[str, Any]:
        key = name, given["alias"]
        if what == "POST registered-models/alias":
            if given["alias"].lower() == "latest" or given["version"] not in self.versions[name]:
                raise Refused("INVALID_PARAMETER_VALUE", f"no alias {given['alias']} for version {given['version']}")
            self.aliases[key] = given["version"]
            return {}
        if key not in self.aliases:
            raise Refused(self.missing, f"Alias '{given['alias']}' does not exist")
        if what == "DELETE registered-models/alias":
            del self.aliases[key]
            return {}
        tags = [{"key": key, "value": value} for key, value in self.versions[name][self.aliases[key]].items()]
        return {"model_version": {"name": name, "version": self.aliases[key], "status": "READY", "tags": tags}}


class _Handler(QuietHandler):
    models: Models

    def _answer(self) -> None:
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = json.loads(content) if content else {name: values[-1] for name, values in parse_qs(url.query).items()}
        status, answer = 200, {}
        try:
            if not url.path.startswith(_ROOT):
                raise Refused("ENDPOINT_NOT_FOUND")
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                raise Refused("PERMISSION_DENIED")
            answer = self.models.answer(f"{self.command} {url.path.removeprefix(_ROOT)}", given)
        except Refused as refused:
            status, answer = 404, {"error_code": refused.code, "message": str(refused)}
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815


@contextmanager
def served(models: Models) -> Iterator[str]:
    """The service's address while it runs."""
    with serve(_Handler, models=models) as address:
        yield address
