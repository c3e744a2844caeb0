"""The SQL of dashboard and alerts on the real tables: before the first run, empty, and filled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ragops.answers.llms.ledger.calls import CALLS, CallRow
from ragops.monitoring.finding import FINDINGS
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import METRICS, Origin
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, AnswerRow, FeedbackRow
from tests.support.status_pages import a_finding
from tests.support.warehouse import queries, widgets, with_warehouse

TABLES = (FINDINGS, METRICS, ANSWERS, FEEDBACK, CALLS)
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
ANSWER_ID = "resp_" + "0" * 32


def rows() -> dict[str, list[dict[str, Any]]]:
    """Some rows of each table, of people and of the evaluation."""
    answer = AnswerRow(
        answer_id=ANSWER_ID, asked_at=NOW - HOUR, who="jane", question="When?", standalone="When?", answer="Now.",
        abstained=None, model="large", prompt="p", chain_name="c", chain_version="1", generation="g", passages=[],
        cited=[], trace_id=None, seconds=2.0,
    )  # fmt: skip
    answers = [
        answer,
        answer.model_copy(update={"answer_id": ANSWER_ID[:-1] + "1", "abstained": "no evidence", "seconds": 4.0}),
        answer.model_copy(update={"answer_id": ANSWER_ID[:-1] + "2", "who": "evaluation", "seconds": 900.0}),
        answer.model_copy(update={"answer_id": ANSWER_ID[:-1] + "3", "asked_at": NOW - 40 * 24 * HOUR}),
    ]
    verdict = FeedbackRow(
        verdict_id="v1", answer_id=ANSWER_ID, verdict="down", reason=None, comment=None, who="jane",
        given_at=NOW - HOUR, known_answer=True,
        question="When?", chain_name="c", chain_version="1", generation="g", passages=[], cited=[],
        trace_id=None, traced_at=None,
    )  # fmt: skip
    call = CallRow(
        call_id="c1", called_at=NOW - HOUR, who="jane", purpose="ask", model="large", provider="openai",
        prompt_name=None, prompt_version=None, prompt_tokens=100, completion_tokens=20, cost=0.5,
        seconds=1.0, attempts=1,
        outcome="answered", trace_id=None,
    )  # fmt: skip
    origin, older = Origin("evaluate", measured_at=NOW - 2 * HOUR), Origin("evaluate", measured_at=NOW - 50 * HOUR)
    refresh = Origin("refresh", measured_at=NOW - 3 * HOUR)
    return {
        "findings": [
            a_finding(opened_at=NOW - HOUR, seen_at=NOW).model_dump(),
            a_finding(finding_id="2", severity="low", opened_at=NOW - HOUR, seen_at=NOW, cause=None).model_dump(),
            a_finding(finding_id="3", opened_at=NOW - 9 * HOUR, seen_at=NOW, closed_at=NOW - HOUR).model_dump(),
        ],
        "metrics": [
            one.model_dump()
            for one in (
                origin.metric("recall_at_5", 0.6, 60, (0.5, 0.7)), older.metric("recall_at_5", 0.9, 60),
                refresh.metric("freshness_minutes", 75, 3),
            )
        ],
        "answers": [one.model_dump() for one in answers],
        "feedback": [
            verdict.model_dump(),
            verdict.model_copy(update={"verdict_id": "v2", "verdict": "up"}).model_dump(),
        ],
        "llm_calls": [
            call.model_dump(),
            call.model_copy(update={"call_id": "c2", "fallback_of": "large", "model": "small"}).model_dump(),
        ],
    }  # fmt: skip


@dataclass
class Filled:
    """Tables with rows or without, as the dashboard finds them; `spark` looks for them in their schema."""

    spark: SparkSession
    rows: bool

    def first(self, dataset: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spark.sql(queries()[dataset]).collect()[0].asDict()
        return found


@pytest.fixture(scope="module", params=["empty", "filled"])
def filled(request: pytest.FixtureRequest, shared_workspace: Workspace) -> Iterator[Filled]:
    """First the tables without rows, then with them."""
    spark = shared_workspace.spark
    for table in TABLES:
        table.create(shared_workspace)
        if request.param == "filled":
            schema = ", ".join(f"`{one.name}` {one.type}" for one in table.columns)
            given = [tuple(row[name] for name in table.names) for row in rows()[table.name]]
            spark.createDataFrame(given, schema).writeTo(shared_workspace.table(table.name)).append()
    spark.catalog.setCurrentDatabase(shared_workspace.schema)
    yield Filled(spark, request.param == "filled")
    spark.catalog.setCurrentDatabase("default")


@pytest.mark.parametrize("name", queries())
def test_a_dataset_has_the_fields_of_its_widgets(name: str, filled: Filled) -> None:
    found = filled.spark.sql(queries()[name])
    shown = {
        field["name"]
        for _, widget in widgets()
        for query in widget.get("queries", ())
        if query["query"]["datasetName"] == name
        for field in query["query"]["fields"]
    }
    assert shown and shown <= set(found.columns)
    count = len(found.collect())
    one_row = name in ("open_counts", "usage", "verdicts", "spent")
    assert count == 1 if one_row else (count > 0) == filled.rows


def test_times_and_numbers_are_drawn_as_such(filled: Filled) -> None:
    """An axis of time needs timestamps, one of quantities numbers."""
    for _, widget in widgets():
        encodings = widget.get("spec", {}).get("encodings", {})
        if "x" not in encodings:
            continue
        types = dict(filled.spark.sql(queries()[widget["queries"][0]["query"]["datasetName"]]).dtypes)
        y = encodings["y"]
        assert types[encodings["x"]["fieldName"]] == "timestamp"
        assert all(types[one["fieldName"]] in ("bigint", "double") for one in y.get("fields", [y]))


def test_figures_are_right(filled: Filled) -> None:
    counts, usage, verdicts, spent = (filled.first(one) for one in ("open_counts", "usage", "verdicts", "spent"))
    if not filled.rows:
        assert counts == {"high": 0, "low": 0} and usage["questions"] == 0 and usage["without_answer"] is None
        assert verdicts["thumbs_down"] is None and spent["cost"] == 0
        return
    assert counts == {"high": 1, "low": 1}
    assert usage == {"questions": 2, "people": 1, "without_answer": 0.5, "slow_seconds": 4.0}
    assert verdicts == {"verdicts": 2, "thumbs_down": 0.5} and spent == {"cost": 1.0, "tokens": 240}
    latest = {row["name"]: row["value"] for row in filled.spark.sql(queries()["latest_values"]).collect()}
    assert latest == {"recall_at_5": 0.6, "freshness_minutes": 75.0}
    assert {row["outcome"] for row in filled.spark.sql(queries()["calls_by_day"]).collect()} == {"answered", "fallback"}


def test_alerts_compare_one_number_with_their_limit(filled: Filled, tmp_path: Any) -> None:
    alerts = with_warehouse(tmp_path, "prod").config["resources"]["alerts"]
    values = {}
    for name, alert in alerts.items():
        sql = re.sub(r"\b\w+\.\w+\.(findings|metrics)\b", r"\1", alert["query_text"])
        (row,) = filled.spark.sql(sql).collect()
        evaluation = alert["evaluation"]
        limit = evaluation["threshold"]["value"]["double_value"]
        assert evaluation["comparison_operator"] == "GREATER_THAN"
        values[name] = float(row[evaluation["source"]["name"]]) > limit
    assert values == {"findings_open": filled.rows, "freshness_late": filled.rows, "nothing_measured": not filled.rows}
