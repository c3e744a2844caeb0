import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ragops.errors import UserError
from ragops.platform.credentials import SecretNotSet, secret
from ragops.platform.workspace import Workspace

WORKSPACE = Workspace("main", "rag")


@pytest.mark.parametrize("content", ["{broken", "[]", '{"ragops-main": 5}'])
def test_a_broken_secrets_file_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(UserError, match=r"secrets\.json"):
        secret("ragops-main", "the-key")


def test_on_a_laptop_a_secret_comes_from_a_variable_or_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where dbutils.secrets looks, too."""
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    with pytest.raises(SecretNotSet, match=r"ragops-main/the-key .*secrets\.json or into"):
        secret("ragops-main", "the-key")
    (tmp_path / "secrets.json").write_text(json.dumps({"ragops-main": {"the-key": "from the file"}}))
    assert secret("ragops-main", "the-key") == "from the file"
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_THE_KEY", "from the environment")
    assert secret(WORKSPACE.secret_scope, "the-key") == "from the environment"


def test_without_a_local_workspace_the_error_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SecretNotSet, match="put it into LOCALBUNDLE_SECRET_RAGOPS_MAIN_THE_KEY$"):
        secret("ragops-main", "the-key")


class _Secrets(BaseHTTPRequestHandler):
    """The workspace's API for secrets, with one secret."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        address = urlsplit(self.path)
        if address.path != "/api/2.0/secrets/get":
            self.send_error(404)
            return
        found = parse_qs(address.query) == {"scope": ["ragops-main"], "key": ["the-key"]}
        missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such secret"}
        body = {"key": "the-key", "value": base64.b64encode(b"from the scope").decode()} if found else missing
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""


def test_on_databricks_a_secret_comes_from_its_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Secrets) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
        monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("DATABRICKS_TOKEN", "token")
        assert secret("ragops-main", "the-key") == "from the scope"
        with pytest.raises(SecretNotSet, match="ragops-main/other: No such secret.*put-secret ragops-main other"):
            secret("ragops-main", "other")
        server.shutdown()
