from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ragops.answers.llms.errors import ServerFault
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply, Request
from ragops.errors import UserError
from ragops.serving.batch import REPLIES, BatchModel, OneByOne, Recorded, reply_batches, request_text
from tests.support.llms import ME, ask, scripted


class Counting:
    """A batch model that logs its calls."""

    def __init__(self, model: BatchModel, log: list[str]) -> None:
        self._model, self._log = model, log
        log.append("opened")

    def generate_many(self, requests: Sequence[Request]) -> list[Reply | UserError]:
        self._log.append(f"asked {len(requests)}")
        return self._model.generate_many(requests)

    def close(self) -> None:
        self._log.append("closed")


def test_each_partition_opens_one_model_and_failures_are_independent() -> None:
    log: list[str] = []
    model = ScriptedModel(["one", ServerFault("down"), "three"])
    requests = [ask("a", stop=("x",), response_schema={"type": "object"}), ask("b"), ask("c")]
    frames = [
        pd.DataFrame({"call_id": ["1", "2"], "request": [request_text(one) for one in requests[:2]]}),
        pd.DataFrame({"call_id": ["3"], "request": [request_text(requests[2])]}),
    ]
    made = pd.concat(reply_batches(lambda: Counting(OneByOne(model), log))(iter(frames)))
    assert log == ["opened", "asked 2", "asked 1", "closed"]
    assert model.requests == requests
    assert list(made.columns) == [column.split()[0] for column in REPLIES.split(", ")]
    assert made["text"].tolist() == ["one", None, "three"]
    assert made["error"].tolist() == [None, "down", None]


def test_each_request_of_a_batch_gets_a_ledger_row(tmp_path: Path) -> None:
    settings = Scripted.model_validate(scripted("m", max_tokens=5))
    model = ScriptedModel(["one", ServerFault("down")], "m")
    recorded = Recorded(OneByOne(model), settings, ME, Spool(tmp_path, rows_per_file=100))
    recorded.generate_many([ask("a", max_tokens=50), ask("b")])
    assert list(tmp_path.iterdir()) == []
    recorded.close()
    (file,) = tmp_path.iterdir()
    rows = [CallRow.model_validate_json(line) for line in file.read_text().splitlines()]
    assert [(row.outcome, row.error) for row in rows] == [("answered", None), ("failed", "ServerFault")]
    assert [request.max_tokens for request in model.requests] == [5, 5]
