"""A project made from the template refreshes an index on a laptop."""

from pathlib import Path

from template.__main__ import ROOT, build, shipped
from tests.e2e.bundles import Bundle
from tests.support.go_templates import init


def test_a_generated_project_refreshes_and_finds(tmp_path: Path, landing: Path) -> None:
    """Without GPUs and without an endpoint, what differs most from the repository's own bundle."""
    build(ROOT, tmp_path / "template", shipped(ROOT))
    project = Bundle(init(tmp_path / "template", {"project_name": "zoo", "gpu": "no", "answers": "quotes"}, tmp_path))
    refreshed = project.refresh(landing=str(landing), schema="zoo")
    assert "published 000001-" in refreshed.stdout
    assert project.search("What does the otter eat?", "zoo")[0]["path"] == "otter.md"
    asked = project.run("ragops", "ask", "What does the otter eat?", "--schema", "zoo").stdout
    assert "otter.md" in asked
