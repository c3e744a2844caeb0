from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.errors import BundleError
from localbundle.kernels.output import Output
from localbundle.runs.dynamic_values import Known, substitute

KNOWN = Known(
    job={"id": "refresh", "name": "[dev me] refresh", "run_id": "7", "repair_count": "0"},
    parameters={"landing": "/docs", "my-param": "dashed"},
    started=datetime(2026, 11, 21, 9, 5, 3, 120_000, UTC),
    task={"name": "embed", "execution_count": "2", "run_id": "7-embed", "retry_count": "1"},
    tasks={"ingest": {"result_state": "success"}},
    task_values={"ingest": {"n": 5, "flag": True, "word": "w", "table": {"a": [1, None]}, "odd key": "x"}},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{job.name}}/{{job.run_id}}", "[dev me] refresh/7"),
        ("{{ job.parameters.landing }}", "/docs"),
        ("{{job.parameters.`my-param`}}", "dashed"),
        ("{{job.start_time.iso_date}}", "2026-11-21"),
        ("{{job.start_time.iso_datetime}}", "2026-11-21T09:05:03.120Z"),
        ("{{job.start_time.iso_weekday}} {{job.start_time.is_weekday}}", "6 false"),
        ("{{job.start_time.timestamp_ms}}", "1795251903120"),
        ("{{job.trigger.type}}", "manual"),
        ("{{task.name}} {{task.execution_count}}", "embed 2"),
        ("{{tasks.ingest.result_state}}", "success"),
        ("{{tasks.ingest.values.n}}", "5"),
        ("{{tasks.ingest.values.flag}}", "true"),
        ("{{tasks.ingest.values.word}}", "w"),
        ("{{tasks.ingest.values.table}}", '{"a": [1, null]}'),
        ("{{tasks.ingest.values.`odd key`}}", "x"),
        ("{{task_key}} {{parent_run_id}} {{run_id}} {{job_id}}", "embed 7 7-embed refresh"),
        ("{{nothing.known}}", "{{nothing.known}}"),
        ("{{ }} {{1 + 1}} {{job..name}}", "{{ }} {{1 + 1}} {{job..name}}"),
    ],
)
def test_substitute(text: str, value: str) -> None:
    assert substitute(text, KNOWN) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{job.parameters.landin}}", "landin; did you mean landing?"),
        ("{{tasks.ingets.values.n}}", "ingets; did you mean ingest?"),
        ("{{tasks.ingest.values.m}}", "task ingest: m;"),
        ("{{job.start_time.century}}", "century"),
        ("{{task.nam}}", "nam; did you mean name?"),
    ],
)
def test_an_invalid_name_in_a_known_namespace_is_an_error(text: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        substitute(text, KNOWN)
    assert message in str(caught.value)


@given(st.text("ab{} .\n"))
def test_other_text_stays(text: str) -> None:
    assert substitute(text, KNOWN) == text


@given(st.text())
def test_values_are_not_substituted_again(value: str) -> None:
    known = Known(job={}, parameters={"p": value, "q": "second"}, started=KNOWN.started)
    assert substitute("<{{job.parameters.p}}>", known) == f"<{value}>"


ROWS = Output(columns=("city", "my amount"), rows=(("Ulm", 3), ("Bonn", None)))
OUTPUTS = {"sql": ROWS, "none": Output(columns=("a",), rows=()), "cut": ROWS.model_copy(update={"is_complete": False})}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{tasks.sql.output.rows}}", '[{"city": "Ulm", "my amount": 3}, {"city": "Bonn", "my amount": null}]'),
        ("{{tasks.sql.output.first_row}}", '{"city": "Ulm", "my amount": 3}'),
        ("{{tasks.sql.output.first_row.city}}", "Ulm"),
        ("{{tasks.sql.output.first_row.`my amount`}}", "3"),
        ("{{tasks.none.output.rows}}", "[]"),
    ],
)
def test_the_rows_of_a_sql_task_are_its_output(text, value) -> None:
    assert substitute(text, replace(KNOWN, outputs=OUTPUTS)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{tasks.sq.output.rows}}", "unknown SQL task with rows: sq; did you mean sql?"),
        ("{{tasks.sql.output.first_row.town}}", "unknown column: town; known: city, my amount"),
        ("{{tasks.none.output.first_row.a}}", "the result has no row"),
        ("{{tasks.cut.output.rows}}", "the rows are more than 1,000 or 48 KiB"),
        ("{{tasks.sql.output.row}}", "unknown part of an output: row; did you mean rows?"),
        ("{{tasks.sql.output.rows.city}}", "too many parts; end it after the column"),
    ],
)
def test_what_an_output_does_not_have_is_an_error(text, message) -> None:
    with pytest.raises(BundleError, match=message):
        substitute(text, replace(KNOWN, outputs=OUTPUTS))
