"""Checks of what questions find."""

from ragops.monitoring.checks.retrieval import RETRIEVAL
from tests.support.monitored import an_empty_system, changed, clean, findings, is_recent, some

RECENT = is_recent(clean().answers)


def test_a_clean_system_and_an_empty_one_are_silent() -> None:
    assert findings(clean(), RETRIEVAL) == {}
    assert findings(an_empty_system(), RETRIEVAL) == {}


def test_similarities_of_another_encoder() -> None:
    lower = clean().answers.loc[RECENT, "evidence"] - 0.15
    found = findings(changed(clean(), "answers", RECENT, evidence=lower), RETRIEVAL)
    assert set(found) == {"retrieval_scores"} and "encoder" in found["retrieval_scores"].causes


def test_a_document_that_is_found_for_everything() -> None:
    poisoned = some(RECENT, 0.9)
    paths = [[*paths[:3], "offer.md"] for paths in clean().answers.loc[poisoned, "paths"]]
    found = findings(changed(clean(), "answers", poisoned, paths=paths), RETRIEVAL)
    assert set(found) == {"document_everywhere"}
    assert found["document_everywhere"].subject == "offer.md"
