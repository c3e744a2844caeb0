"""The function that Spark's workers run: one engine for each partition, a row for each request, all in the ledger."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from ragops.answers.llms.errors import ContextOverflow, ServerFault
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply, Request
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.chosen import working_copy
from ragops.serving.batch.tables import REPLIES
from ragops.serving.batch.workers import Recorded, engine_opener, read_request, reply_batches, request_text
from ragops.usecase import load_usecase
from tests.support.llms import ME, ask, models, scripted

SETTINGS = Scripted.model_validate(scripted("m", max_tokens=5, price_per_million_output=1))


class Answering:
    """An engine with these answers that logs its calls."""

    def __init__(self, answers: Sequence[str | UserError], log: list[object]) -> None:
        self._answers, self._log = list(answers), log
        log.append("opened")

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        self._log.append([request.max_tokens for request in requests])
        given = [self._answers.pop(0) for _ in requests]
        return [one if isinstance(one, UserError) else Reply(one, "m", "scripted", 10, 2, 0.5, "stop") for one in given]

    def close(self) -> None:
        self._log.append("closed")


def frame(**requests: Request) -> pd.DataFrame:
    return pd.DataFrame({"request_id": list(requests), "request": [request_text(one) for one in requests.values()]})


def test_each_partition_opens_one_engine_and_failures_are_independent(tmp_path: Path) -> None:
    log: list[object] = []
    answers = ["one", ServerFault("down"), ContextOverflow("m", "too long"), "four"]

    def opened() -> Recorded:
        return Recorded(Answering(answers, log), SETTINGS, ME, Spool(tmp_path, 100))

    frames = [frame(a=ask("a", max_tokens=50), b=ask("b")), frame(c=ask("c"), d=ask("d"))]
    made = pd.concat(reply_batches(opened)(iter(frames))).set_index("request_id")
    assert log == ["opened", [5, 5], [5, 5], "closed"]
    assert [*made.columns] == [name for name in REPLIES.names if name != "request_id"]
    assert made["text"].tolist() == ["one", None, None, "four"]
    assert made["error"].tolist() == [None, "down", str(answers[2]), None]
    assert made["is_refused"].tolist() == [False, False, True, False]
    assert made.loc["a", "cost"] == pytest.approx(2e-6)


def test_each_call_has_its_ledger_row_before_its_reply_is_returned(tmp_path: Path) -> None:
    answers = ["one", ServerFault("down"), ContextOverflow("m", "too long")]
    recorded = Recorded(Answering(answers, []), SETTINGS, ME, Spool(tmp_path, 100))
    recorded.generate_many([ask("a"), ask("b"), ask("c")])
    (file,) = tmp_path.iterdir()
    rows = [CallRow.model_validate_json(line) for line in file.read_text().splitlines()]
    assert [row.outcome for row in rows] == ["answered", "failed", "refused"]
    assert [row.error for row in rows] == [None, "ServerFault", "ContextOverflow"]


def test_a_request_survives_its_column() -> None:
    request = ask("a", stop=("x",), response_schema={"type": "object"}, evidence=("one", "two"))
    assert read_request(request_text(request)) == request


def test_workers_run_no_model_but_vllm() -> None:
    use_case = load_usecase(Path("usecase.yml")).model_copy(update={"models": models("m", [], scripted("m"))})
    place = Workspace("spark_catalog", "rag")
    with pytest.raises(UserError, match="model m: workers run models of the provider vllm_offline only"):
        engine_opener(Batch(place, working_copy(place, use_case)), ME)
