"""Reports of an evaluation of retrieval."""

import json

import pytest
from rich.console import Console

from ragops.quality.evaluation.reports.retrieval import criteria, print_settings, settings_as_json
from ragops.quality.evaluation.retrieval import SettingsResult
from ragops.usecase import UseCase
from tests.support.evaluations import result_of


def test_criteria_are_checked_on_the_use_case_s_settings(results: list[SettingsResult], use_case: UseCase) -> None:
    lines = list(criteria(results, use_case))
    assert [met for met, _ in lines[:2]] == [True, True]
    assert lines[0][1].startswith("recall_at_1 1.000 [1.000, 1.000], required >= 0.900: so")
    dense = use_case.model_copy(update={"retrieval": result_of(results, fusion="dense").settings})
    assert [met for met, _ in list(criteria(results, dense))[:2]] == [False, False]
    slow = use_case.model_copy(update={"sla": use_case.sla.model_copy(update={"search_p95_ms": 1e-6})})
    assert list(criteria(results, slow))[-1][0] is False


@pytest.mark.parametrize("width", [80, 240])
def test_the_table_marks_the_use_case_s_choice_and_shows_every_figure(
    results: list[SettingsResult], use_case: UseCase, width: int
) -> None:
    console = Console(width=width)
    with console.capture() as printed:
        print_settings(console, results, use_case)
    lines = printed.get().splitlines()
    assert lines[0].startswith("12 questions in 4 topics")
    (marked,) = (number for number, line in enumerate(lines) if line.startswith("^ use case's"))
    assert lines[marked - 1].startswith("BM25 only") and lines[marked - 1].count("1.000") == 6
    assert lines[marked].count("1-1") == 6
    assert "…" not in printed.get()
    assert sum(".." in line for line in lines) == len(results) - 1  # a difference for each of the others


def test_json_has_every_figure_of_every_setting(results: list[SettingsResult], use_case: UseCase) -> None:
    rows = json.loads(json.dumps(settings_as_json(results, use_case)))
    assert [row["chosen"] for row in rows].count(True) == 1
    chosen = next(row for row in rows if row["chosen"])
    assert chosen["recall_at_5"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "clusters": 4}
    assert chosen["ndcg_at_10_minus_chosen"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "clusters": 4}
    assert chosen["coverage"]["mean"] == 1.0
    assert min(row["coverage_minus_chosen"]["high"] for row in rows) < 0  # something is significantly worse
    assert chosen["settings"]["fusion"] == "lexical"
