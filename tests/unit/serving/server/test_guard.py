"""What every request must satisfy before anything reads it."""

import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ragops.serving.server.app import create_app
from ragops.serving.server.guard import MAX_BODY_BYTES, Rules
from tests.support.served import parts

ASK = {"input": "When does the ferry leave?"}


def client(folder: Path, rules: Rules, address: str = "http://127.0.0.1:8400") -> TestClient:
    return TestClient(create_app(parts(folder, rules=rules)), base_url=address)


@pytest.mark.parametrize("host", ["127.0.0.1:8400", "localhost:8400", "localhost", "[::1]:8400"])
def test_names_of_this_machine_are_answered(host: str, tmp_path: Path) -> None:
    assert client(tmp_path, Rules()).get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1:8400", "", "localhost@evil.example"]
)
def test_other_names_are_refused_because_anyone_can_point_them_here(host: str, tmp_path: Path) -> None:
    response = client(tmp_path, Rules()).get("/health", headers={"Host": host})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8400"])
def test_requests_of_other_sites_are_refused(origin: str, tmp_path: Path) -> None:
    headers = {"Origin": origin, "X-Forwarded-Host": origin.rpartition("/")[2]}
    response = client(tmp_path, Rules()).post("/responses", json=ASK, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "origin_not_allowed")


def test_the_own_page_may_ask_also_behind_a_proxy(tmp_path: Path) -> None:
    own = client(tmp_path, Rules())
    assert own.post("/responses", json=ASK, headers={"Origin": "http://127.0.0.1:8400"}).status_code == 200
    app = client(tmp_path, Rules(local=False))
    headers = {"Origin": "https://chat.apps.example", "X-Forwarded-Host": "chat.apps.example"}
    assert app.post("/responses", json=ASK, headers=headers).status_code == 200


def test_with_a_token_only_the_page_and_health_are_open(tmp_path: Path) -> None:
    guarded = client(tmp_path, Rules("right"))
    assert {guarded.get(path).status_code for path in ("/", "/style.css", "/status", "/health")} == {200}
    for path in ("/config", "/ready", "/passages/c1", "/status.json", "/nowhere", "/../pyproject.toml"):
        response = guarded.get(path)
        assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")
    assert guarded.get("/config", headers={"Authorization": "Bearer right"}).status_code == 200


@pytest.mark.parametrize(
    "sent", ["Bearer wrong", "Bearer right ", "right", "Basic right", "Bearer ", "Bearer r\u00efght"]
)
def test_another_token_is_refused(sent: str, tmp_path: Path) -> None:
    response = client(tmp_path, Rules("right")).post("/responses", json=ASK, headers={b"Authorization": sent.encode()})
    assert response.status_code == 401 and "right" not in response.text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"]
)
def test_only_json_is_read(kind: str, tmp_path: Path) -> None:
    response = client(tmp_path, Rules()).post("/responses", content=b"{}", headers={"Content-Type": kind})
    assert (response.status_code, response.json()["error"]["code"]) == (415, "not_json")


def test_a_body_of_ten_megabytes_is_refused_whether_or_not_its_length_is_given(tmp_path: Path) -> None:
    own, body = client(tmp_path, Rules()), b" " * (10 * MAX_BODY_BYTES)
    known = own.post("/responses", content=body, headers={"Content-Type": "application/json"})
    chunked = own.post("/responses", content=iter([body]), headers={"Content-Type": "application/json"})
    for response in (known, chunked):
        assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


def test_every_response_forbids_scripts_of_others(tmp_path: Path) -> None:
    own = client(tmp_path, Rules("right"))
    for response in (own.get("/"), own.get("/config"), own.get("/health"), own.post("/responses")):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
    assert own.get("/health").headers["cache-control"] == "no-store"


def test_the_log_has_a_line_for_each_request_and_no_questions(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ragops.access"):
        own = client(tmp_path, Rules())
        own.post("/responses", json=ASK)
        own.get("/nowhere?q=ferry")
        own.get("/health", headers={"Host": "evil.example"})
    lines = [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records if record.name == "ragops.access"]
    assert lines == ["POST /responses 200", "GET /nowhere 404", "GET /health 403"]
    assert "ferry" not in caplog.text
