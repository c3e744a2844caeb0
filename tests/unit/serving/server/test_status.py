"""The status page: what the job monitor wrote, its age, and who may read it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from ragops.serving.server.app import create_app
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import AppIdentity
from ragops.serving.server.status import COOKIE, ago
from ragops.serving.server.status_files import AGE_MARK, FOLDER, PAGE, SUMMARY, Status, read_summary, write_status
from tests.support.served import parts

NOW = datetime.now(UTC)
PAGE_TEXT = f"<!doctype html><title>x</title><body>{AGE_MARK}<h1>All well</h1>"


def a_status(**fields: Any) -> Status:
    known = {"state": "good", "verdict": "All well", "sentence": "Every criterion holds."}
    known |= {"measured_at": NOW - timedelta(hours=3), "stale_after": NOW + timedelta(hours=1)}
    return Status(**(known | fields))


def client(folder: Path, token: str = "", **given: Any) -> TestClient:
    return TestClient(create_app(parts(folder, rules=Rules(token, local=False), **given)))


def test_a_server_that_was_never_monitored_says_so(tmp_path: Path) -> None:
    page = client(tmp_path).get("/status")
    assert page.status_code == 200 and "has never run here" in page.text
    summary = client(tmp_path).get("/status.json")
    assert (summary.status_code, summary.json()["error"]["code"]) == (404, "never_monitored")


def test_the_page_says_how_old_it_is(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    page = client(tmp_path).get("/status")
    assert "<h1>All well</h1>" in page.text and "Measured 3 hours ago." in page.text
    assert 'class="age soft"' in page.text and AGE_MARK not in page.text
    assert client(tmp_path).get("/status.json").json()["stale"] is False


def test_a_page_that_should_have_been_replaced_turns_amber(tmp_path: Path) -> None:
    status = a_status(measured_at=NOW - timedelta(days=3), stale_after=NOW - timedelta(days=2, hours=1))
    write_status(tmp_path / "indexes", status, PAGE_TEXT)
    page = client(tmp_path).get("/status").text
    assert 'class="age stale"' in page and "Measured 3 days ago." in page and "due for 2 days" in page
    assert client(tmp_path).get("/status.json").json()["stale"] is True


def test_the_page_may_run_and_fetch_nothing(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    policy = client(tmp_path).get("/status").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"state": "purple"}', b"\xff", b"null"])
def test_a_summary_that_cannot_be_read_is_one_line(content: bytes, tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    (tmp_path / "indexes" / FOLDER / SUMMARY).write_bytes(content)
    response = client(tmp_path).get("/status")
    message = response.json()["error"]["message"]
    assert response.status_code == 503 and "run the job monitor again" in message and "\n" not in message


def test_a_page_that_is_missing_is_one_line(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    (tmp_path / "indexes" / FOLDER / PAGE).unlink()
    assert client(tmp_path).get("/status").status_code == 503


def test_with_a_token_the_page_asks_for_it_and_shows_nothing(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    guarded = client(tmp_path, "right")
    for sent in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=right"}, {"Cookie": f"{COOKIE}="}):
        page = guarded.get("/status", headers=sent)
        assert page.status_code == 200 and "All well" not in page.text and "status.js" in page.text
    assert guarded.get("/status.json").status_code == guarded.post("/status/session", json={}).status_code == 401


def test_the_token_buys_a_cookie_that_opens_this_page_only(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    guarded = client(tmp_path, "right")
    session = guarded.post("/status/session", json={}, headers={"Authorization": "Bearer right"})
    sent = session.headers["set-cookie"]
    assert session.status_code == 204 and "right" not in sent
    assert {"HttpOnly", "SameSite=strict", "Path=/status"} <= {one.strip() for one in sent.split(";")}
    assert "All well" in guarded.get("/status").text
    assert guarded.get("/config").status_code == guarded.get("/status.json").status_code == 401


def test_with_the_token_a_program_gets_the_page(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    assert "All well" in client(tmp_path, "right").get("/status", headers={"Authorization": "Bearer right"}).text


def test_in_an_app_only_users_that_the_platform_names_read_it(tmp_path: Path) -> None:
    write_status(tmp_path / "indexes", a_status(), PAGE_TEXT)
    app = client(tmp_path, identify=AppIdentity(lambda token: ()))
    assert app.get("/status").status_code == app.get("/status.json").status_code == 401
    assert "All well" in app.get("/status", headers={"X-Forwarded-Email": "jane@example.com"}).text


def test_the_summary_is_read_as_it_was_written_and_later_fields_are_ignored(tmp_path: Path) -> None:
    status = a_status(high=2)
    write_status(tmp_path, status, "")
    assert read_summary(tmp_path) == status
    file = tmp_path / FOLDER / SUMMARY
    file.write_text(json.dumps(json.loads(file.read_text()) | {"later": 1}))
    assert read_summary(tmp_path) == status


@given(st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=4000)))
def test_an_age_is_never_longer_than_what_has_passed(passed: timedelta) -> None:
    text = ago(passed)
    if passed < timedelta(minutes=1):
        assert text == "less than a minute"
    else:
        count, unit = text.split()
        said = timedelta(**{unit.rstrip("s") + "s": int(count)})
        assert said <= passed < 2 * said
