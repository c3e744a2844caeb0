"""The trace of an answer as data: the same spans as in MLflow, and no texts where documents are confidential."""

import json
import re
from functools import partial

import pytest

from ragops.answers.chain.trace_record import TraceRecord
from ragops.answers.chain.types import Query
from ragops.answers.llms.errors import Rejected
from ragops.answers.llms.providers.scripted import ScriptedModel
from tests.support.chains import FakeSearcher, chain, recorded, scripted_gateway

FERRY = "The ferry leaves for the lighthouse island at twenty to eight on weekdays."


def test_an_answer_is_recorded_step_by_step() -> None:
    record = TraceRecord()
    made = recorded(chain(FakeSearcher([FERRY]), scripted_gateway(["At twenty to eight [1]."])), record.open)
    answer = made.answer(Query("When does the ferry leave?"))
    assert [span.name for span in record.spans] == ["answer", "retrieve", "prompt", "generate", "check"]
    assert re.fullmatch("tr-[0-9a-f]{32}", record.trace_id) and answer.trace_id == record.trace_id
    root, *steps = record.spans
    assert root.inputs["question"] == "When does the ferry leave?" and root.outputs["answer"] == answer.text
    assert all(root.started <= step.started <= step.ended <= root.ended for step in steps)
    assert {span.error for span in record.spans} == {None}


def test_a_record_survives_its_way_through_json() -> None:
    record = TraceRecord()
    recorded(chain(FakeSearcher([FERRY]), scripted_gateway(["So [1]."])), record.open).answer(Query("When?"))
    sent = json.loads(record.to_json())
    assert json.loads(TraceRecord.model_validate(sent).to_json()) == sent


@pytest.mark.parametrize("texts", [True, False])
def test_a_record_has_texts_only_where_it_may(texts: bool) -> None:
    record = TraceRecord()
    model = ScriptedModel([Rejected(f"Model served: HTTP 400 not allowed: {FERRY}", status=400)], "script")
    made = chain(FakeSearcher([FERRY]), scripted_gateway(["-"], model=model))
    with pytest.raises(Rejected):
        recorded(made, partial(record.open, texts=texts)).answer(Query("When?"))
    assert (FERRY in record.to_json().decode()) == texts
    failed = [span for span in record.spans if span.error]
    assert [span.name for span in failed] == ["answer", "generate"]
    assert all(span.ended for span in record.spans)
