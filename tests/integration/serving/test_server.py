"""The server on a port of its own, as its clients use it: streams, hang-ups, retries, many at once."""

import json
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent
from openai import OpenAI
from openai.types.responses import Response

from ragops.answers.llms.providers.token_counts import estimate_tokens
from ragops.answers.llms.types import Pieces, Reply, Request, drain
from ragops.platform.collected import parsed
from ragops.quality.feedback.files import answer_file
from ragops.quality.feedback.rows import AnswerRow
from tests.support.serve_command import status
from tests.support.served import FERRY, REPLY, Shelved, listening, parts

ASK = {"input": "When does the ferry leave?"}


class SlowModel:
    """Writes a first piece, then waits until it is released; counts its answers in progress."""

    name, provider, context_tokens = "script", "scripted", 1_000_000

    def __init__(self) -> None:
        self.released, self.begun, self.closed = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    def generate(self, request: Request) -> Reply:
        return drain(self.stream(request))

    def stream(self, request: Request) -> Pieces:
        self.begun.release()
        try:
            yield "At twenty"
            while not self.released.wait(0.02):
                yield " ..."
            yield " to eight [1]."
        finally:
            self.closed.release()
        return Reply(REPLY, self.name, self.provider, 10, 5, 0.0, "stop")

    def count_tokens(self, text: str) -> int:
        return estimate_tokens(text)


@pytest.fixture
def model() -> Iterator[SlowModel]:
    slow = SlowModel()
    yield slow
    slow.released.set()


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def test_the_openai_client_gets_a_whole_response(tmp_path: Path) -> None:
    with listening(parts(tmp_path)) as url, OpenAI(base_url=url, api_key="none") as client:
        response = client.responses.create(model="any", input="When does the ferry leave?")
    Response.model_validate(response.model_dump())
    assert response.output_text == REPLY and response.status == "completed"
    (message,) = response.output
    assert message.type == "message" and message.content[0].type == "output_text"
    (annotation,) = message.content[0].annotations
    assert annotation.type == "file_citation" and (annotation.file_id, annotation.filename) == ("c1", "p1.md")
    outputs = response.model_extra["custom_outputs"] if response.model_extra else {}
    assert outputs["answer_id"] == response.id
    assert outputs["chain"] == {"name": "main.rag.chain", "version": "1"}


def test_the_openai_client_parses_the_stream(tmp_path: Path) -> None:
    with (
        listening(parts(tmp_path)) as url,
        OpenAI(base_url=url, api_key="none") as client,
        client.responses.stream(model="any", input="When does the ferry leave?") as stream,
    ):
        found = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in found]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-1] == "response.completed" and "response.output_text.delta" in kinds
    assert final.output_text == REPLY


def test_the_answer_is_on_disk_before_the_last_event(tmp_path: Path) -> None:
    with (
        listening(parts(tmp_path)) as url,
        httpx.stream("POST", f"{url}/responses", json=ASK | {"stream": True}) as got,
    ):
        for event in events(got.iter_lines()):
            if event["type"] == "response.completed":
                row = parsed(AnswerRow, answer_file(tmp_path, event["response"]["id"]).read_bytes())
    assert row is not None
    assert (row.question, row.answer, row.who) == (ASK["input"], REPLY, "jane")
    assert (row.chain_name, row.chain_version, list(row.passages)) == ("main.rag.chain", "1", ["c1"])


def test_mlflow_reads_invocations_whole_and_streamed(tmp_path: Path) -> None:
    body = {"input": [{"role": "user", "content": "When does the ferry leave?"}]}
    with listening(parts(tmp_path)) as url:
        whole = httpx.post(f"{url}/invocations", json=body).json()
        with httpx.stream("POST", f"{url}/invocations", json=body | {"stream": True}) as got:
            streamed = [ResponsesAgentStreamEvent.model_validate(event) for event in events(got.iter_lines())]
    response = ResponsesAgentResponse.model_validate(whole)
    assert response.model_dump()["output"][0]["content"][0]["text"] == REPLY
    assert [event.type for event in streamed][-1] == "response.output_item.done"
    assert (streamed[-1].custom_outputs or {})["answer_id"]


def test_a_client_that_hangs_up_cancels_its_generation(tmp_path: Path, model: SlowModel) -> None:
    source = Shelved(model=model)
    made = parts(tmp_path, source)
    with listening(made) as url:
        with httpx.stream("POST", f"{url}/responses", json=ASK | {"stream": True}) as got:
            for line in got.iter_lines():
                if "output_text.delta" in line:
                    break
        assert model.closed.acquire(timeout=10)
        while made.answers.in_progress:
            threading.Event().wait(0.01)
    assert [row.outcome for row in source.calls.rows] == ["abandoned"]


def test_a_client_that_hangs_up_without_a_stream_cancels_too(tmp_path: Path, model: SlowModel) -> None:
    with listening(parts(tmp_path, Shelved(model=model))) as url:
        address = urlsplit(url)
        body = json.dumps(ASK).encode()
        head = f"POST /responses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(f"{head}\r\n\r\n".encode() + body)
            assert model.begun.acquire(timeout=10)
        assert model.closed.acquire(timeout=10)


def test_beyond_slots_and_queue_the_server_says_when_to_try_again(tmp_path: Path, model: SlowModel) -> None:
    made = parts(tmp_path, Shelved(model=model), concurrent_requests=2, queue_length=1)
    with listening(made) as url, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(httpx.post, f"{url}/responses", json=ASK, timeout=30) for _ in range(3)]
        for _ in range(2):
            assert model.begun.acquire(timeout=10)
        while made.answers.in_progress < 3:
            threading.Event().wait(0.01)
        refused = httpx.post(f"{url}/responses", json=ASK)
        model.released.set()
        assert [one.result().status_code for one in waiting] == [200, 200, 200]
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert refused.json()["error"]["type"] == "rate_limit_error"


def test_a_retry_with_the_same_key_joins_the_first_and_gets_the_same_answer(tmp_path: Path, model: SlowModel) -> None:
    headers = {"Idempotency-Key": "a"}
    with listening(parts(tmp_path, Shelved(model=model))) as url, ThreadPoolExecutor(2) as pool:
        first = pool.submit(httpx.post, f"{url}/responses", json=ASK, headers=headers, timeout=30)
        assert model.begun.acquire(timeout=10)
        second = pool.submit(httpx.post, f"{url}/responses", json=ASK, headers=headers, timeout=30)
        model.released.set()
        ids = [first.result().json()["id"], second.result().json()["id"]]
        ids.append(httpx.post(f"{url}/responses", json=ASK, headers=headers).json()["id"])
        other = httpx.post(f"{url}/responses", json={"input": "Another question?"}, headers=headers)
        plain = httpx.post(f"{url}/responses", json=ASK).json()["id"]
    assert len(set(ids)) == 1 and plain not in ids
    assert other.status_code == 409


def test_two_hundred_clients_at_once_get_answers_or_429_and_memory_stays_flat(tmp_path: Path) -> None:
    made = parts(tmp_path, concurrent_requests=8, queue_length=100)
    asked = [f"When does ferry {number} leave?" for number in range(200)]
    with listening(made) as url, ThreadPoolExecutor(200) as pool:
        first = list(pool.map(partial(status, url), asked))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rest = [found for _ in range(4) for found in pool.map(partial(status, url), asked)]
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert {*first, *rest} <= {200, 429} and rest.count(200) > 100
    assert after - before < 30_000, "KB: 800 answers must not add up"
    assert made.answers.in_progress == 0


def test_a_passage_of_an_answer_opens_in_its_document(tmp_path: Path) -> None:
    with listening(parts(tmp_path)) as url:
        found = httpx.get(f"{url}/passages/c1").json()
    assert (found["text"], found["path"], found["generation"]) == (FERRY, "p1.md", "g-000001")
