"""POST /feedback: what is confirmed is on disk, and everything else is an error in one line."""

import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from fastapi.testclient import TestClient

from ragops.platform.collected import parsed
from ragops.platform.volumes import mounted
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import Verdict
from ragops.serving.server.app import create_app
from tests.support.feedback import an_answer
from tests.support.served import parts

ANSWER = an_answer()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(parts(tmp_path)), raise_server_exceptions=False) as client:
        yield client


def sent(**fields: Any) -> dict[str, Any]:
    return {"verdict_id": str(uuid.uuid4()), "answer_id": ANSWER.answer_id, "verdict": "down"} | fields


def saved(folder: Path) -> list[Verdict | None]:
    return [parsed(Verdict, file.read_bytes()) for file in folder.glob("feedback/*")]


def refused(response: Any, status: int, code: str) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["code"] == code and "\n" not in error["message"]
    return str(error["message"])


def test_a_verdict_is_a_file_when_it_is_confirmed(client: TestClient, tmp_path: Path) -> None:
    body = sent(reason="wrong", comment="<script>alert(1)</script>")
    response = client.post("/feedback", json=body)
    assert response.json() == {"verdict_id": body["verdict_id"], "saved": True, "known_answer": False}
    (verdict,) = saved(tmp_path)
    assert verdict is not None
    assert (verdict.who, verdict.comment) == ("jane", "<script>alert(1)</script>")


def test_the_answer_is_known_once_it_is_recorded(client: TestClient, tmp_path: Path) -> None:
    record_answer(tmp_path, ANSWER)
    assert client.post("/feedback", json=sent()).json()["known_answer"] is True


def test_the_same_verdict_again_is_confirmed_and_another_under_its_id_is_not(
    client: TestClient, tmp_path: Path
) -> None:
    body = sent()
    assert client.post("/feedback", json=body).status_code == 200
    assert client.post("/feedback", json=body).status_code == 200
    refused(client.post("/feedback", json=body | {"verdict": "up"}), 409, "verdict_id_reused")
    assert client.post("/feedback", json=sent(verdict="up")).status_code == 200  # a change of mind
    assert len(saved(tmp_path)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict_id": "1"},
        {"answer_id": "resp_1"},
        {"verdict": "maybe"},
        {"reason": "unknown"},
        {"comment": "x" * 2_001},
        {"comment": "\x00"},
        {"who": "somebody"},
        {"verdict_id": None},
    ],
)
def test_what_is_wrong_with_a_verdict_is_named(client: TestClient, tmp_path: Path, wrong: dict[str, Any]) -> None:
    message = refused(client.post("/feedback", json=sent(**wrong)), 400, "invalid_request")
    assert next(iter(wrong)) in message
    assert saved(tmp_path) == []


def test_malformed_bodies_are_refused(client: TestClient, tmp_path: Path) -> None:
    for content in (b"", b"{", b"[]", b'"text"', b'{"verdict_id": "\xff"}', b'{"comment": "\\ud800"}'):
        response = client.post("/feedback", content=content, headers={"content-type": "application/json"})
        refused(response, 400, "invalid_request")
    assert saved(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.ENOSPC, 507, "no_space"), (errno.EDQUOT, 507, "no_space"), (errno.EIO, 503, "not_saved")],
)
def test_what_cannot_be_saved_is_not_confirmed(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, status: int, code: str
) -> None:
    def full(file: BinaryIO, content: BinaryIO) -> None:
        file.write(content.read()[:10])
        raise OSError(number, os.strerror(number))

    body = sent()
    with monkeypatch.context() as patch:
        patch.setattr(mounted, "_fill", full)
        assert "not saved" in refused(client.post("/feedback", json=body), status, code)
    assert saved(tmp_path) == []
    assert client.post("/feedback", json=body).status_code == 200
