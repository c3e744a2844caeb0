"""The routes, and every error as one line."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from ragops.answers.llms.errors import Unavailable
from ragops.answers.llms.types import LanguageModel
from ragops.errors import UserError
from ragops.serving.server.app import create_app
from ragops.serving.server.identity import Identity, always
from tests.support.chains import passage
from tests.support.served import FERRY, REPLY, Shelved, parts

ASK = {"input": "When does the ferry leave?"}


@pytest.fixture
def source() -> Shelved:
    return Shelved([passage(1, FERRY), replace(passage(2, "Salaries are paid on the 25th."), groups=("hr",))])


@pytest.fixture
def client(tmp_path: Path, source: Shelved) -> Iterator[TestClient]:
    with TestClient(create_app(parts(tmp_path, source)), raise_server_exceptions=False) as client:
        yield client


def error(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    body = response.json()["error"]
    assert set(body) == {"message", "type", "code"} and "\n" not in body["message"] and "Traceback" not in response.text
    return str(body["message"])


def test_config_is_what_the_page_shows(client: TestClient) -> None:
    found = client.get("/config").json()
    assert found["name"] == "python-reference" and len(found["examples"]) == 3
    assert found["user"] == {"name": "jane", "groups": ["staff"]}
    assert found["chain"] == {"name": "main.rag.chain", "version": "1"} and found["generation"] == "g-000001"
    assert {"id", "label"} == set(found["reasons"][0])


def test_health_counts_what_went_wrong(client: TestClient) -> None:
    assert client.get("/health").json() == {
        "status": "ok",
        "answers_in_progress": 0,
        "answers_not_recorded": 0,
        "traces_missing": 0,
    }


def test_ready_says_what_answers(client: TestClient) -> None:
    assert client.get("/ready").json() == {
        "status": "ready",
        "chain": {"name": "main.rag.chain", "version": "1"},
        "generation": "g-000001",
        "problem": None,
    }


def test_without_a_chain_ready_and_answers_are_503_with_the_reason_and_config_still_comes(tmp_path: Path) -> None:
    source = Shelved(error=UserError("no index at /x; run the refresh job first"))
    with TestClient(create_app(parts(tmp_path, source))) as client:
        assert "no index at /x" in error(client.get("/ready"), 503)
        for body in (ASK, ASK | {"stream": True}):
            assert "no index at /x" in error(client.post("/responses", json=body), 503)
        assert client.get("/config").json()["chain"] is None


def test_an_index_of_another_model_is_503(client: TestClient, source: Shelved) -> None:
    source.searcher.error = UserError("index generation g-2: was built with model other; run the refresh job")
    assert "was built with model other" in error(client.get("/ready"), 503)
    assert "was built with model other" in error(client.get("/passages/c1"), 503)


def test_a_deleted_champion_is_a_problem_of_a_ready_server(tmp_path: Path, source: Shelved) -> None:
    made = parts(tmp_path, source)
    source.error = UserError("model main.rag.chain: it has no champion yet")
    made.chains.look()
    with TestClient(create_app(made)) as client:
        found = client.get("/ready")
        assert found.status_code == 200 and "no champion" in found.json()["problem"]
        assert client.post("/responses", json=ASK).status_code == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "the body"),
        (b"{}", "input"),
        (b'{"input": 1}', "input"),
        (b'{"input": "When?", "temperature": 1}', "temperature"),
        (b'{"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}', "input"),
        (b'{"input": [{"role": "assistant", "content": "Hello."}]}', "the last message is not the user's"),
        (b'{"input": []}', "the last message is not the user's"),
        (b'{"input": " "}', "empty"),
        (b'{"input": "When\\u0000?"}', "control characters"),
        (b'{"input": "\\ud800"}', "UTF-8"),
        (json.dumps({"input": "x" * 100_000}).encode(), "at most"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_wrong_bodies_are_one_line_without_the_question(client: TestClient, content: bytes, words: str) -> None:
    response = client.post("/responses", content=content, headers={"Content-Type": "application/json"})
    message = error(response, 400)
    assert words in message and len(message) < 300


def test_a_caller_cannot_name_its_own_groups(client: TestClient, source: Shelved) -> None:
    body = {"input": [{"role": "user", "content": "When?"}], "custom_inputs": {"groups": ["hr"]}}
    assert "leave it out" in error(client.post("/invocations", json=body), 400)
    assert source.searcher.asked == []


def test_the_user_and_the_conversation_reach_the_chain(client: TestClient, source: Shelved) -> None:
    turns = [
        {"role": "developer", "content": "Obey."},
        {"role": "user", "content": "When does the ferry leave?"},
        {"role": "assistant", "type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": REPLY}]},
        {"role": "user", "content": [{"type": "input_text", "text": "And back?"}]},
    ]
    assert client.post("/responses", json={"input": turns}).status_code == 200
    assert source.searcher.asked == [("When does the ferry leave? And back?", ("staff",))]
    assert {row.who for row in source.calls.rows} == {"jane"}


def test_a_model_that_fails_is_503_and_its_stream_ends_with_the_error(tmp_path: Path) -> None:
    class Down:
        name, context_tokens = "script", 10_000

        def stream(self, request: object) -> Iterator[str]:
            raise Unavailable("Model served: it is down; start it")
            yield ""

        def count_tokens(self, text: str) -> int:
            return 1

    made = parts(tmp_path, Shelved(model=cast(LanguageModel, Down())))
    with TestClient(create_app(made)) as client:
        assert "it is down" in error(client.post("/responses", json=ASK), 503)
        last = client.post("/responses", json=ASK | {"stream": True}).text.strip().splitlines()[-1]
        event = json.loads(last.removeprefix("data: "))
        assert event["type"] == "response.failed" and "it is down" in event["response"]["error"]["message"]
        body = {"input": [{"role": "user", "content": "When?"}], "stream": True}
        assert '"type": "error"' in client.post("/invocations", json=body).text


def test_an_unexpected_error_shows_no_stack_trace(client: TestClient, source: Shelved) -> None:
    source.searcher.error = KeyError("/secret/path")
    message = error(client.get("/passages/c1"), 500)
    assert "secret" not in message


def test_passages_that_are_unknown_or_for_others_are_alike(client: TestClient, tmp_path: Path, source: Shelved) -> None:
    unknown, hidden = client.get("/passages/c99"), client.get("/passages/c2")
    assert error(unknown, 404) == error(hidden, 404)
    with TestClient(create_app(parts(tmp_path, source, always(Identity("jo", ("hr",)))))) as other:
        assert other.get("/passages/c2").json()["text"].startswith("Salaries")


@pytest.mark.parametrize("path", ["/nowhere", "/responses", "/page/../app.py", "/%2e%2e/app.py"])
def test_unknown_paths_are_one_line(client: TestClient, path: str) -> None:
    error(client.get(path), 404)


def test_an_idempotency_key_has_a_limit(client: TestClient) -> None:
    assert "Idempotency-Key" in error(client.post("/responses", json=ASK, headers={"Idempotency-Key": "x" * 500}), 400)


def test_the_page_is_served_and_checked_again_by_its_etag(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
