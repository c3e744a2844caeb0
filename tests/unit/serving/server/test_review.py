"""Reviews over HTTP: who may label what, what is hidden until then, and what is on disk once it is confirmed."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ragops.corpus.index.passages import Passage
from ragops.platform.collected import parsed
from ragops.quality.review.files import QUEUE_FILE, ReviewItem, record_label, write_queue
from ragops.quality.review.rows import Label
from ragops.serving.server.app import create_app
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import Identity, always
from tests.support.chains import passage
from tests.support.reviews import a_label, a_queue, an_item
from tests.support.served import FERRY, Shelved, parts

SECRET = replace(passage(2, "The board met on Monday."), groups=("board",))
REVIEWERS = ("jane", "omar")


def reviewing(
    folder: Path, who: str = "jane", groups: Sequence[str] = (), rows: Sequence[Passage] = (), **rules: Any
) -> TestClient:
    """A client of a server whose user is `who`."""
    source = Shelved([passage(1, FERRY), SECRET, *rows])
    made = parts(folder, source, always(Identity(who, tuple(groups))), Rules(local=False, **rules))
    evaluation = made.use_case.evaluation.model_copy(update={"reviewers": REVIEWERS})
    made = replace(made, use_case=made.use_case.model_copy(update={"evaluation": evaluation}))
    return TestClient(create_app(made), raise_server_exceptions=False)


def item(**fields: Any) -> ReviewItem:
    return an_item(**({"passages": ("c1",), "cited": ("c1",)} | fields))


def given(answer: ReviewItem, **verdicts: str) -> dict[str, Any]:
    verdicts = verdicts or dict.fromkeys(answer.dimensions, "good")
    labels = [{"label_id": str(uuid.uuid4()), "judge": name, "verdict": one} for name, one in verdicts.items()]
    return {"answer_id": answer.answer_id, "labels": labels}


def saved(folder: Path) -> list[Label | None]:
    return [parsed(Label, file.read_bytes()) for file in sorted(folder.glob("labels/*"))]


def refused(response: Any, status: int, code: str) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["code"] == code and "\n" not in error["message"]
    return str(error["message"])


def test_the_page_comes_without_a_token_and_its_data_does_not(tmp_path: Path) -> None:
    client = reviewing(tmp_path, token="secret")
    page = client.get("/review")
    assert page.status_code == 200 and "<title>Review answers</title>" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/review.js").status_code == 200
    refused(client.get("/review/queue"), 401, "wrong_token")


def test_the_queue_has_the_answer_with_its_passages_and_not_what_judges_said(tmp_path: Path) -> None:
    write_queue(tmp_path, a_queue([item()]))
    read = reviewing(tmp_path).get("/review/queue").json()
    assert (read["reviewer"], read["labelled"], read["waiting"], read["hidden"]) == ("jane", 0, 1, 0)
    (answer,) = read["answers"]
    (found,) = answer["passages"]
    assert (found["number"], found["text"], found["cited"], found["title"]) == (1, FERRY, True, "Title 1")
    assert answer["dimensions"] == ["groundedness", "answer_relevance"]
    assert read["dimensions"]["groundedness"].keys() == {"title", "question", "good", "bad"}
    assert "It names no time." not in str(read)


def test_labels_are_files_when_they_are_confirmed_and_then_the_judges_are_shown(tmp_path: Path) -> None:
    answer = item()
    write_queue(tmp_path, a_queue([answer]))
    client = reviewing(tmp_path)
    body = given(answer, groundedness="bad", answer_relevance="good") | {"comment": " <b>Which</b> day? "}
    response = client.post("/review/labels", json=body)
    assert response.json()["judges"] == [one.model_dump() for one in answer.judges]
    found = {one.judge: one for one in saved(tmp_path) if one}
    assert {name: one.verdict for name, one in found.items()} == {"groundedness": "bad", "answer_relevance": "good"}
    assert {(one.reviewer, one.comment, one.source) for one in found.values()} == {
        ("jane", "<b>Which</b> day?", "page")
    }
    assert client.post("/review/labels", json=body).status_code == 200  # its confirmation was lost
    assert len(saved(tmp_path)) == 2
    read = client.get("/review/queue").json()
    assert (read["labelled"], read["answers"]) == (1, [])


def test_another_label_under_a_used_id_is_refused(tmp_path: Path) -> None:
    answer = item()
    write_queue(tmp_path, a_queue([answer]))
    client, body = reviewing(tmp_path), given(answer, groundedness="bad")
    client.post("/review/labels", json=body)
    body["labels"][0]["verdict"] = "good"
    refused(client.post("/review/labels", json=body), 409, "label_id_reused")
    assert [one.verdict for one in saved(tmp_path) if one] == ["bad"]


@pytest.mark.parametrize("who", ["stranger", "Jane", ""])
def test_strangers_neither_read_nor_label(tmp_path: Path, who: str) -> None:
    answer = item()
    write_queue(tmp_path, a_queue([answer]))
    client = reviewing(tmp_path, who)
    assert "evaluation.reviewers" in refused(client.get("/review/queue"), 403, "not_a_reviewer")
    refused(client.post("/review/labels", json=given(answer)), 403, "not_a_reviewer")
    assert saved(tmp_path) == []


def test_an_answer_from_a_passage_that_the_reviewer_may_not_read_does_not_exist(tmp_path: Path) -> None:
    secret = item(passages=("c1", "c2"), numbers=(1, 2), answer="On Monday [2].")
    write_queue(tmp_path, a_queue([secret]))
    outsider, member = reviewing(tmp_path), reviewing(tmp_path, groups=["board"])
    read = outsider.get("/review/queue")
    assert (read.json()["answers"], read.json()["hidden"]) == ([], 1)
    assert "Monday" not in read.text
    message = refused(outsider.post("/review/labels", json=given(secret)), 404, "no_such_answer")
    unknown = refused(outsider.post("/review/labels", json=given(item())), 404, "no_such_answer")
    assert message == unknown
    (answer,) = member.get("/review/queue").json()["answers"]
    assert [one["number"] for one in answer["passages"]] == [1, 2]


def test_an_answer_whose_passage_is_gone_is_hidden(tmp_path: Path) -> None:
    write_queue(tmp_path, a_queue([item(passages=("c1", "gone"), numbers=(1, 2))]))
    read = reviewing(tmp_path).get("/review/queue").json()
    assert (read["answers"], read["hidden"]) == ([], 1)


def test_chunks_of_one_source_are_one_passage_in_their_order(tmp_path: Path) -> None:
    later = replace(passage(3, "And at nine."), doc_id="d1", ordinal=1)
    write_queue(tmp_path, a_queue([item(passages=("c3", "c1"), numbers=(1, 1), cited=("c3",))]))
    (answer,) = reviewing(tmp_path, rows=[later]).get("/review/queue").json()["answers"]
    (found,) = answer["passages"]
    assert found["text"] == f"{FERRY}\n\nAnd at nine." and found["cited"]


def test_passages_of_answers_of_old_versions_have_no_numbers(tmp_path: Path) -> None:
    write_queue(tmp_path, a_queue([item(numbers=None)]))
    (answer,) = reviewing(tmp_path).get("/review/queue").json()["answers"]
    assert [one["number"] for one in answer["passages"]] == [None]


def test_an_answer_leaves_the_queue_when_it_has_the_labels_it_needs(tmp_path: Path) -> None:
    once, twice = item(), item(needed=2)
    record_label(tmp_path, a_label(once.answer_id))  # before this server started
    record_label(tmp_path, a_label(twice.answer_id))
    record_label(tmp_path, a_label(twice.answer_id, reviewer="stranger"))  # does not count
    write_queue(tmp_path, a_queue([once, twice]))
    assert reviewing(tmp_path).get("/review/queue").json()["answers"] == []
    (left,) = reviewing(tmp_path, "omar").get("/review/queue").json()["answers"]
    assert left["answer_id"] == twice.answer_id


def test_collected_labels_count_once_in_the_progress(tmp_path: Path) -> None:
    made_at = datetime.now(UTC)
    before, after = (made_at + timedelta(minutes=minutes) for minutes in (-5, 5))
    record_label(tmp_path, a_label(item().answer_id, labelled_at=before))
    record_label(tmp_path, a_label(item().answer_id, labelled_at=after))
    write_queue(tmp_path, a_queue([], labelled={"jane": 7}, made_at=made_at))
    assert reviewing(tmp_path).get("/review/queue").json()["labelled"] == 8


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": []},
        {"labels": [{"label_id": "1", "judge": "groundedness", "verdict": "good"}]},
        {"labels": [{"label_id": str(uuid.uuid4()), "judge": "correctness", "verdict": "good"}]},
        {"labels": [{"label_id": str(uuid.uuid4()), "judge": "groundedness", "verdict": "perhaps"}]},
        {"labels": [{"label_id": str(uuid.uuid4()), "judge": "groundedness", "verdict": "good"}] * 2},
        {"comment": "x" * 2_001},
        {"reviewer": "omar"},
    ],
)
def test_wrong_labels_are_refused_in_one_line(tmp_path: Path, changed: dict[str, Any]) -> None:
    answer = item()
    write_queue(tmp_path, a_queue([answer]))
    response = reviewing(tmp_path).post("/review/labels", json=given(answer) | changed)
    assert response.status_code == 400 and "\n" not in response.json()["error"]["message"]
    assert saved(tmp_path) == []


@pytest.mark.parametrize("content", [None, b"", b'{"made_at": "2026', b'{"version": 1}'])
def test_without_a_readable_queue_nothing_waits(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / QUEUE_FILE).parent.mkdir()
        (tmp_path / QUEUE_FILE).write_bytes(content)
    assert reviewing(tmp_path).get("/review/queue").json()["waiting"] == 0
