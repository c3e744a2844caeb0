"""Criteria against measured values, and how the terminal shows them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from ragops.quality.criteria.check import Checked, check, measured_criteria
from ragops.quality.criteria.console import show_criteria, summary
from ragops.quality.criteria.rows import Origin
from ragops.usecase import MEASURES, Criterion, load_usecase

NOW = datetime(2026, 11, 30, 12, 5, tzinfo=UTC)
WHY = "five passages answer half of the questions that avoid the words of the corpus, as users do"


def criterion(measure: str, limit: float) -> Criterion:
    return Criterion.model_validate({"measure": measure, MEASURES[measure].better: limit, "why": WHY})


@pytest.fixture
def found() -> list[Checked]:
    retrieval = Origin("evaluate retrieval", "python-reference/working copy", "000001-abababab", "0123456789ab", NOW)
    live = Origin("collect_calls", "spark_catalog.rag.chain/12", None, None, NOW)
    rows = [
        retrieval.metric("recall_at_5", 0.512, 182, (0.448, 0.571), 14),
        retrieval.metric("search_p95_ms", 412.0, 182, (301.0, float("nan"))),
        live.metric("live_answer_cost", 0.0021, 12_345, (0.0019, 0.0024), 40),
    ]
    limits = {"recall_at_5": 0.45, "search_p95_ms": 300.0, "live_answer_cost": 0.01, "batch_answers_per_minute": 30.0}
    return check([criterion(*one) for one in limits.items()], {row.name: row for row in rows})


def test_each_criterion_has_a_state(found: list[Checked]) -> None:
    assert [one.state for one in found] == ["pass", "fail", "pass", "not measured"]
    assert summary(found) == "4 criteria: 2 pass, 1 fail (search_p95_ms), 1 not measured"
    assert str(found[0]).startswith("recall_at_5 0.512 [0.448, 0.571], required >= 0.450: five passages")


def test_json_has_limit_value_and_what_measures_it(found: list[Checked]) -> None:
    first, second, *_, last = json.loads(json.dumps([one.as_json() for one in found]))
    assert (first["at_least"], first["state"], first["measured"]["n"]) == (0.45, "pass", 182)
    assert (second["at_most"], second["measured"]["high"], second["measured"]["chain"]) == (
        300.0, None, "python-reference/working copy"
    )  # fmt: skip
    assert last["measured"] is None and last["measured_by"] == ["answer_batch"]


def test_the_terminal_shows_everything_within_80_columns(found: list[Checked]) -> None:
    console = Console(width=80)
    with console.capture() as printed:
        show_criteria(console, found)
    lines = printed.get().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "…" not in printed.get()
    assert lines[0].split() == ["pass", "recall_at_5", "0.512", "[0.448,", "0.571]", ">=", "0.450"]
    assert "182 questions, 2026-11-30 12:05 UTC, evaluate retrieval" in lines[1]
    assert any(line.startswith("FAIL  search_p95_ms") and "412 ms [301, ?]" in line for line in lines)
    assert any("measured by job answer_batch" in line for line in lines)
    text = " ".join(printed.get().split())
    assert text.count(WHY) == 2  # for what fails and for what is not measured


def test_only_criteria_with_a_value_are_checked_where_something_was_measured() -> None:
    use_case = load_usecase(Path(__file__).parents[4] / "usecase.yml")
    metrics = [Origin("evaluate retrieval").metric(name, 0.48, 9) for name in ("recall_at_5", "recall_at_10", "mrr")]
    slow = Origin("evaluate retrieval").metric("search_p95_ms", use_case.sla.search_p95_ms + 1, 9)
    states = {one.criterion.measure: one.state for one in measured_criteria(use_case, [*metrics, slow])}
    assert states == {"recall_at_5": "pass", "recall_at_10": "fail", "search_p95_ms": "fail"}
