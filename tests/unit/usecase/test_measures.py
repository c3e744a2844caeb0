"""The catalogue: every source exists, and every measure says where it comes from."""

from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from ragops.cli.app import app
from ragops.usecase.measures import MEASURES, SOURCES, described

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_a_command_or_a_job(source: str) -> None:
    if " " in source:
        group, name = source.split()
        assert name in get_command(app).commands[group].commands
        return
    files = (ROOT / "resources").glob("*.yml")
    jobs = [yaml.safe_load(file.read_text())["resources"].get("jobs", {}) for file in files]
    assert any(source in some for some in jobs)


def test_sources_are_described_in_a_line() -> None:
    assert described(["refresh"]) == "job refresh"
    assert (
        described(["evaluate answers", "evaluate", "release"]) == "ragops evaluate answers, job evaluate or job release"
    )


def test_each_measure_has_a_source_a_meaning_and_its_own_name() -> None:
    assert all(one.sources and one.meaning and name == one.name for name, one in MEASURES.items())
    assert {source for one in MEASURES.values() for source in one.sources} == set(SOURCES)


def test_values_have_their_units() -> None:
    shown = {"recall_at_5": "0.457", "search_p95_ms": "83 ms", "freshness_minutes": "4.2 min", "errors": "3"}
    values = {"recall_at_5": 0.4567, "search_p95_ms": 83.2, "freshness_minutes": 4.21, "errors": 3.0}
    assert {name: MEASURES[name].shown(value) for name, value in values.items()} == shown
