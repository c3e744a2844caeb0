"""The report of a release: the page in its run, the figures of a promoted chain, a champion of another version."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from mlflow import MlflowClient

from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import Metric
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import decide
from ragops.releases import release_report
from ragops.releases.changes import Index
from ragops.releases.judging import Judging
from ragops.releases.promote import Promotion
from ragops.releases.registry import Version
from ragops.releases.release_report import ReleaseReport
from ragops.releases.stored_results import StoredResults
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.registered import ChainVersion
from ragops.usecase import Release, load_usecase
from ragops.usecase.evaluation import Evaluation
from tests.support.judged import answer, asked

OWN = load_usecase(Path(__file__).parents[3] / "usecase.yml")
USE_CASE = OWN.model_copy(update={"success": (), "release": Release(), "evaluation": Evaluation()})
WORKSPACE = Workspace("c", "s")
NAMES = [f"q{number}" for number in range(8)]
FIGURES = {"recall_at_5": 0.75, "search_p95_ms": 20.0, "answers.answered": 1.0}


class Client:
    """MLflow's client; `pages` are the texts that it is given."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}

    def log_text(self, run_id: str, text: str, name: str) -> None:
        self.pages[f"{run_id}/{name}"] = text

    def get_run(self, run_id: str) -> SimpleNamespace:
        return SimpleNamespace(info=SimpleNamespace(artifact_uri=f"file:///artifacts/{run_id}"))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
    """The figures that are recorded; version 1 was logged by another version of ragops."""

    def read(version: ChainVersion) -> ChainConfiguration:
        if version.version == "1":
            raise UserError("chain, version 1: another version of ragops logged it; run the release again")
        return ChainConfiguration.of(WORKSPACE, USE_CASE)

    found: list[Metric] = []
    monkeypatch.setattr(release_report, "read_configuration", read)
    monkeypatch.setattr(release_report, "record", lambda workspace, metrics: found.extend(metrics))
    return found


def reported(own: float, champion: tuple[str, float] | None = None) -> tuple[str, list[str]]:
    client, notes = Client(), list[str]()
    stored = SimpleNamespace(question_set="1234", index=lambda run_id: Index("000001-aaaa", 12))
    mine = Evaluated([answer(name, own) for name in NAMES], (), FIGURES, "1234")
    theirs = Evaluated([answer(name, champion[1]) for name in NAMES], (), {}, "1234") if champion else None
    before = Version("c.s.chain", champion[0], "old", "d") if champion else None
    promotion = Promotion(
        Version("c.s.chain", "4", "new", "d"), before, decide(USE_CASE.gate, USE_CASE.evaluation, mine, theirs), "?"
    )
    judging = Judging(WORKSPACE, USE_CASE, asked(NAMES), None, "none is set")
    report = ReleaseReport(cast(MlflowClient, client), asked(NAMES), judging, cast(StoredResults, stored), notes.append)
    report(promotion, mine, theirs)
    return client.pages["new/release.html"], notes


def test_the_page_is_in_the_run_and_its_path_is_printed(recorded: list[Metric]) -> None:
    html, notes = reported(1.0)
    assert notes == ["page: /artifacts/new/release.html"]
    assert "version 4" in html and "000001-aaaa" in html and "No judge ran: none is set." in html


def test_the_figures_of_a_promoted_chain_are_recorded(recorded: list[Metric]) -> None:
    reported(1.0, ("3", 0.0))
    found = {one.name: one for one in recorded}
    assert (found["recall_at_5"].value, found["recall_at_5"].n, found["supported"].value) == (0.75, 8, 1.0)
    assert {(one.source, one.chain, one.generation) for one in recorded} == {("release", "c.s.chain/4", "000001-aaaa")}


def test_the_figures_of_a_blocked_chain_are_not(recorded: list[Metric]) -> None:
    html, _ = reported(0.0, ("3", 1.0))
    assert "Blocked" in html and recorded == []


def test_a_champion_that_another_version_of_ragops_logged_is_named(recorded: list[Metric]) -> None:
    html, _ = reported(0.0, ("1", 1.0))
    assert "another version of ragops logged it" in html
