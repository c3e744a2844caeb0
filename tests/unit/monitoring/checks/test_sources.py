"""What the monitor reads: sources that cannot be read, clocks that are wrong, tables of earlier versions."""

import dataclasses
from datetime import timedelta

from ragops.monitoring.checks.all import TOPICS, run_checks
from ragops.monitoring.checks.sources import SOURCES
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.documents import WaitingFile
from ragops.monitoring.system.rows import TableState
from ragops.monitoring.system.system import System
from tests.support.found_systems import documents, found, healthy, index
from tests.support.monitored import NOW

AHEAD = NOW + timedelta(hours=3)


def test_each_source_that_cannot_be_read_is_a_finding() -> None:
    system = dataclasses.replace(
        healthy(), answers=Unreadable("answers", "no SELECT"), unreadable=(Unreadable("settings", "broken"),)
    )
    some = {one.subject: one for one in SOURCES.check(system)}
    assert some.keys() == {"answers", "settings"} and some["answers"].details == "no SELECT"


def test_rows_files_and_generations_from_the_future() -> None:
    assert found(SOURCES, tables=(TableState("answers", future=3, newest=AHEAD),))["clock_ahead"].subject == (
        "table answers"
    )
    ahead = documents(ahead=(WaitingFile("a.md", AHEAD),))
    assert "3 h ahead" in found(SOURCES, documents=ahead)["clock_ahead"].title
    assert "index" in found(SOURCES, index=index(published_at=AHEAD))["clock_ahead"].title


def test_a_table_of_an_earlier_version() -> None:
    one = found(SOURCES, tables=(TableState("answers", missing=("numbers",)),))["table_outdated"]
    assert (one.severity, one.subject) == ("low", "answers") and "numbers" in one.details
    assert not found(SOURCES, tables=(TableState("answers", exists=False),))


def test_topics_whose_sources_cannot_be_read_are_not_examined() -> None:
    checked = run_checks(dataclasses.replace(healthy(), index=Unreadable("index", "gone")))
    assert "index_rows_missing" not in checked.examined and "documents_dropped" in checked.examined
    assert {one.check for one in checked.found} == {"source_unreadable"}


def test_a_check_that_fails_is_a_finding_and_hides_no_other() -> None:
    def broken(system: System) -> list[Found]:
        raise KeyError("column")

    topic = Topic("broken", broken, (), {"something": "never found"})
    checked = run_checks(dataclasses.replace(healthy(), documents=Unreadable("documents", "x")), (topic, *TOPICS))
    failed = next(one for one in checked.found if one.check == "check_failed")
    assert failed.subject == "broken" and failed.details == "KeyError: 'column'"
    assert "something" not in checked.examined and "source_unreadable" in {one.check for one in checked.found}


def test_ids_of_findings_are_unique() -> None:
    ids = [check for topic in TOPICS for check in topic.findings]
    assert len(ids) == len(set(ids))
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_sources_are_fields_of_the_system() -> None:
    known = {one.name for one in dataclasses.fields(healthy())}
    assert all(set(topic.sources) <= known for topic in TOPICS)
