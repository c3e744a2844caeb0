"""Answers judged a second time, over a real HTTP server."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest

from ragops.monitoring.checks.judgments import JUDGE_DRIFT
from ragops.monitoring.system.rejudged import REJUDGED_COLUMNS, chosen, judged_again
from ragops.quality.judges.run import judge_all
from tests.support.judging import answering, item, judges_at, verdicts
from tests.support.monitored import an_empty_system, findings
from tests.support.openai_double import Behavior, OpenAIDouble, serving

ITEMS = [item(number, question_id=None, reference=None, cluster=f"c{number}") for number in range(20)]


@pytest.fixture
def server() -> Iterator[OpenAIDouble]:
    with serving(answer=answering) as double:
        yield double


def test_a_model_that_was_replaced_behind_its_name_is_noticed(server: OpenAIDouble) -> None:
    judges = judges_at(server.url, "answer_relevance")
    bill = judge_all(ITEMS, judges)
    first = pd.DataFrame([one.model_dump() for one in bill.judgments])
    frozen = chosen(first, [judges.judges[0].version], 15)
    assert len(frozen) == 15 and chosen(first, ["another"], 15).empty
    same = judged_again(frozen, ITEMS, judges, None, 2)
    assert tuple(same.columns) == REJUDGED_COLUMNS and (same["before"] == same["after"]).all()
    assert findings(replace(an_empty_system(), rejudged=same), JUDGE_DRIFT) == {}
    server.answer = lambda body: Behavior(text=verdicts(body, "no"))
    again = judged_again(frozen, ITEMS, judges, None, 2)
    assert (len(again), set(again["after"])) == (15, {0.0})
    assert (
        findings(replace(an_empty_system(), rejudged=again), JUDGE_DRIFT)["judge_drift"].subject == "answer_relevance"
    )


def test_answers_that_changed_and_an_empty_budget_give_no_rows(server: OpenAIDouble) -> None:
    judges = judges_at(server.url, "answer_relevance")
    first = pd.DataFrame([one.model_dump() for one in judge_all(ITEMS[:3], judges).judgments])
    others = [item(number, question_id=None, answer="Something else [1].") for number in range(3)]
    assert judged_again(first, others, judges, None, 1).empty
    assert len(judged_again(first, ITEMS[:3], judges, 1e-9, 1)) == 1
