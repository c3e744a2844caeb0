"""Results in a run: found again for the same questions and index only; without texts of confidential documents."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from ragops.errors import UserError
from ragops.quality.evaluation.answers import CHECKS, Passage, Row
from ragops.quality.judges.rows import Judgment
from ragops.releases.changes import Index
from ragops.releases.stored_results import Results, StoredResults

PASSAGES = (Passage("a.md", "The ferry leaves.", True), Passage("b.md", "The crane.", False))
VALUES = dict.fromkeys(CHECKS, math.nan) | {"answered": 1.0}
ROW = Row("q", "t", "When?", "At eight [1].", ("a.md",), VALUES, 0.5, None, passages=PASSAGES,
          answer_id="eval_1", model="m", trace_id="tr-1", prompt_tokens=9, completion_tokens=3)  # fmt: skip
JUDGMENT = Judgment(
    judgment_id="j", inputs="i", answer_id="eval_1", question_id="q", question="When?", cluster="t",
    judge="groundedness", judge_version="v", model="m", state="scored", verdict="yes", score=1.0,
    reason="the passage says so", details='["yes"]', judged_at=datetime(2026, 11, 30, tzinfo=UTC),
)  # fmt: skip


class Client:
    """MLflow's client with the artifacts, metrics and tags of one run; `locked` is what its store reports."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.metrics: dict[str, float] = {}
        self.tags: dict[str, str] = {}
        self.locked: MlflowException | None = None

    def log_text(self, run_id: str, text: str, file: str) -> None:
        if self.locked:
            raise self.locked
        self.files[f"runs:/{run_id}/{file}"] = text

    def log_metric(self, run_id: str, name: str, value: float) -> None:
        self.metrics[name] = value

    def set_tag(self, run_id: str, name: str, value: object) -> None:
        self.tags[name] = str(value)

    def get_run(self, run_id: str) -> SimpleNamespace:
        if run_id == "deleted":
            raise MlflowException("there is none")
        return SimpleNamespace(data=SimpleNamespace(metrics=self.metrics, tags=self.tags))

    def load_text(self, uri: str) -> str:
        if self.locked:
            raise self.locked
        if uri not in self.files:
            raise OSError("there is no such file")
        return self.files[uri]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(mlflow.artifacts, "load_text", made.load_text)
    return made


def stored(client: Client, question_set: str = "1234", generation: str = "000001", texts: bool = True) -> StoredResults:
    return StoredResults(cast(mlflow.MlflowClient, client), question_set, generation, texts=texts)


def test_results_are_found_again_with_the_passages_that_are_cited(client: Client) -> None:
    stored(client).store("run", Results([ROW], [JUDGMENT]))
    found = stored(client).load("run")
    assert found is not None
    (row,) = found.rows
    assert row.passages == PASSAGES[:1] and repr(replace(row, passages=())) == repr(replace(ROW, passages=()))
    assert found.judgments == [JUDGMENT] and found.judges == {("groundedness", "v")}
    assert client.metrics["answers.answered"] == 1


@pytest.mark.parametrize(("question_set", "generation"), [("5678", "000001"), ("1234", "000002")])
def test_results_on_other_questions_or_another_index_are_not_found(
    client: Client, question_set: str, generation: str
) -> None:
    stored(client).store("run", Results([ROW]))
    assert stored(client, question_set, generation).load("run") is None
    assert stored(client).load("another run") is None


def test_texts_of_confidential_documents_are_left_out(client: Client) -> None:
    stored(client, texts=False).store("run", Results([ROW], [JUDGMENT]))
    text = " ".join(client.files.values())
    assert not [said for said in ("At eight", "The ferry", "says so") if said in text]
    found = stored(client).load("run")
    assert found is not None and found.rows[0].values["answered"] == 1 and found.judgments[0].score == 1


def test_what_it_was_measured_on_is_noted(client: Client) -> None:
    assert stored(client).index("run") is None and stored(client).index("deleted") is None
    stored(client).note("run", Index("000001-aaaa", 1204))
    assert stored(client).index("run") == Index("000001-aaaa", 1204)
    assert client.tags["question_set"] == "1234"


def test_rows_of_earlier_versions_are_read(client: Client) -> None:
    stored(client).store("run", Results([ROW]))
    (name,) = (one for one in client.files if "answers-" in one)
    since = ("passages", "answer_id", "model", "trace_id", "prompt_tokens", "completion_tokens")
    old = [{key: value for key, value in one.items() if key not in since} for one in json.loads(client.files[name])]
    client.files[name] = json.dumps(old)
    found = stored(client).load("run")
    assert found is not None and found.rows[0].answer == ROW.answer and found.rows[0].passages == ()


def test_a_locked_store_is_reported_in_one_line(client: Client) -> None:
    """And not taken for a run without results, which would be measured again."""
    message = "(sqlite3.OperationalError) database is locked\n[SQL: SELECT runs FROM runs]\n(Background on this error)"
    client.locked = MlflowException(message, TEMPORARILY_UNAVAILABLE)
    for call in (lambda: stored(client).store("run", Results([ROW])), lambda: stored(client).load("run")):
        with pytest.raises(
            UserError, match="MLflow's store is locked or does not answer .*database is locked"
        ) as raised:
            call()
        assert "\n" not in str(raised.value) and "SQL:" not in str(raised.value)
