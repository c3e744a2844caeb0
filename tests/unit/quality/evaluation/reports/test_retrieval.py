"""Reports of an evaluation of retrieval."""

import json

import pytest
from rich.console import Console

from ragops.quality.evaluation.reports.retrieval import print_settings, settings_as_json
from ragops.quality.evaluation.retrieval import SettingsResult
from ragops.usecase import UseCase


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
    assert lines[marked].count(".74-1") == 6  # 12 of 12 questions
    assert "…" not in printed.get()
    assert sum(".." in line for line in lines) == len(results) - 1  # a difference for each of the others


def test_json_has_every_figure_of_every_setting(results: list[SettingsResult], use_case: UseCase) -> None:
    rows = json.loads(json.dumps(settings_as_json(results, use_case)))
    assert [row["chosen"] for row in rows].count(True) == 1
    chosen = next(row for row in rows if row["chosen"])
    assert chosen["recall_at_5"] == {"mean": 1.0, "low": pytest.approx(0.735, abs=1e-3), "high": 1.0, "clusters": 4}
    assert chosen["ndcg_at_10_minus_chosen"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "clusters": 4}
    assert chosen["coverage"]["mean"] == 1.0
    assert min(row["coverage_minus_chosen"]["mean"] for row in rows) < 0  # something is worse
    assert chosen["settings"]["fusion"] == "lexical"
