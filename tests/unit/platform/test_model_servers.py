import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ragops.errors import UserError
from ragops.platform.model_servers import Serving, is_this_machine, is_transient, refusal


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "old")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The real client asks its host what it is; a host that does not answer that is a workspace with a token."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
        monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
        monkeypatch.setenv("DATABRICKS_HOST", address)
        monkeypatch.setenv("DATABRICKS_TOKEN", "secret")
        yield address
        server.shutdown()


def test_on_databricks_the_server_is_the_workspace(host: str) -> None:
    server = Serving()
    assert (server.address, server.token(), server.ours) == (f"{host}/serving-endpoints", "secret", True)


def test_the_workspace_token_goes_to_its_own_endpoints_only(host: str) -> None:
    server = Serving()
    for address, owned in [
        (f"{host}/serving-endpoints", True),
        (f"{host}/serving-endpoints/", True),
        (f"{host}/serving-endpoints.firm/v1", False),
        ("http://127.0.0.1:1/v1", False),
    ]:
        assert server.owns(address) is owned
        assert server.token_for(address)() == ("secret" if owned else "")


@pytest.mark.usefixtures("laptop")
def test_elsewhere_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Serving()
    monkeypatch.setenv("OPENAI_API_KEY", "new")
    assert (server.address, server.token(), server.ours) == ("http://127.0.0.1:1/v1", "new", False)
    assert not server.owns(server.address)
    assert server.token_for("https://llm.firm/v1")() == "new"


@pytest.mark.usefixtures("laptop")
def test_a_key_that_no_header_can_carry_is_reported_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-café")
    with pytest.raises(UserError, match="^OPENAI_API_KEY ") as raised:
        Serving().token()
    assert "sk" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.8.0.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://127.0.0.1.firm.de/v1", False),
        ("http://127.0.0.1@firm.de/v1", False),
        ("http://0.0.0.0/v1", False),
        ("http://[::1/v1", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_this_machine(address: str, expected: bool) -> None:
    assert is_this_machine(address) is expected


def test_a_busy_or_failed_server_may_answer_later() -> None:
    assert all(map(is_transient, (408, 409, 425, 429, 500, 503)))
    assert not any(map(is_transient, (200, 301, 400, 401, 404, 422)))


def test_a_refusal_names_the_fix() -> None:
    assert "https://elsewhere" in refusal(302, "https://elsewhere", "HTTP 302")
    assert "CAN QUERY" in refusal(403, "", "HTTP 403")
    assert "usecase.yml" in refusal(404, "", "HTTP 404")
