"""The catalogue: every source exists, and every measure says where it comes from."""

from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from ragops.cli.app import app
from ragops.usecase.measures import MEASURES, SOURCES, command

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_a_command_or_a_job(source: str) -> None:
    program, *words = command(source).split()
    if program == "ragops":
        group = get_command(app).commands[words[0]]
        assert words[1] in group.commands
        return
    files = (ROOT / "resources").glob("*.yml")
    jobs = [yaml.safe_load(file.read_text())["resources"].get("jobs", {}) for file in files]
    assert any(words[1] in some for some in jobs)


def test_each_measure_has_a_source_a_meaning_and_its_own_name() -> None:
    assert all(one.sources and one.meaning and name == one.name for name, one in MEASURES.items())
    assert {source for one in MEASURES.values() for source in one.sources} == set(SOURCES)


def test_values_have_their_units() -> None:
    shown = {"recall_at_5": "0.457", "search_p95_ms": "83 ms", "freshness_minutes": "4.2 min", "errors": "3"}
    values = {"recall_at_5": 0.4567, "search_p95_ms": 83.2, "freshness_minutes": 4.21, "errors": 3.0}
    assert {name: MEASURES[name].shown(value) for name, value in values.items()} == shown
