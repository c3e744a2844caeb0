"""Documents that are refused, gone, or shorter than they were."""

from datetime import timedelta

import pytest

from ragops.monitoring.checks.documents import DOCUMENTS
from ragops.monitoring.system.document_history import GoneDocument, ShorterText
from ragops.monitoring.system.documents import Refused
from tests.support.found_systems import DAY, FOLDERS, HOUR, documents, found, history
from tests.support.monitored import NOW


def gone(folder: str, count: int) -> tuple[GoneDocument, ...]:
    return tuple(
        GoneDocument(f"{folder}/{one}.md", NOW - 5 * HOUR + one * timedelta(seconds=1)) for one in range(count)
    )


def shorter(count: int, parser: str, same_file: bool = True) -> tuple[ShorterText, ...]:
    return tuple(ShorterText(f"guide/{one}.pdf", NOW - HOUR, 1000, 500, parser, same_file) for one in range(count))


def test_a_healthy_corpus_has_no_findings() -> None:
    assert not found(DOCUMENTS)


@pytest.mark.parametrize(("count", "severity"), [(1, "low"), (4, "low"), (6, "high")])
def test_quarantine_is_found_while_a_document_is_in_it(count: int, severity: str) -> None:
    refused = Refused("the file is encrypted", count, 1, NOW - 3 * DAY, ("a.pdf",))
    one = found(DOCUMENTS, documents=documents(refused=(refused,)))["documents_quarantined"]
    assert (one.subject, one.severity, one.since) == ("the file is encrypted", severity, NOW - 3 * DAY)
    assert "1 of them recently" in one.title


def test_a_folder_that_was_emptied_is_named() -> None:
    state = documents(documents=60, folders={"guide": 60})
    one = found(DOCUMENTS, documents=state, history=history(gone=gone("reference", 40)))["folder_emptied"]
    assert (one.subject, one.severity, one.since) == ("reference", "high", NOW - 5 * HOUR)
    assert one.cause == "the folder reference is empty"
    assert one.title == "folder reference is empty: 40 documents gone"


def test_a_folder_whose_files_are_gone_is_named_before_a_refresh_deletes_them() -> None:
    lost = tuple(f"reference/{one}.md" for one in range(40))
    some = found(DOCUMENTS, documents=documents(vanished=lost))
    assert some["folder_emptied"].subject == "reference"
    assert some["files_vanished"].value == 0.4 and "40%" in some["files_vanished"].title


def test_where_all_files_are_gone_the_landing_folder_is_not_there() -> None:
    lost = tuple(f"{folder}/{one}.md" for folder, count in FOLDERS.items() for one in range(count))
    some = found(DOCUMENTS, documents=documents(vanished=lost))
    assert some.keys() == {"files_vanished"} and "not mounted" in (some["files_vanished"].cause or "")


def test_documents_that_were_dropped_here_and_there() -> None:
    state = documents(documents=90, folders={"guide": 55, "reference": 35})
    lost = history(gone=(*gone("guide", 5), *gone("reference", 5)))
    one = found(DOCUMENTS, documents=state, history=lost)["documents_dropped"]
    assert one.value == 0.1 and one.cause == "their files are gone from guide, reference"


def test_a_few_deleted_documents_are_ordinary() -> None:
    assert not found(DOCUMENTS, documents=documents(documents=98), history=history(gone=gone("guide", 2)))


def test_a_parser_that_returns_half_is_named() -> None:
    one = found(DOCUMENTS, history=history(shorter=shorter(20, "pdf")))["texts_shorter"]
    assert (one.subject, one.severity, one.value, one.cause) == ("pdf", "high", 0.5, None)
    assert one.causes[0] == "parser"
    assert one.title == "the parser pdf reads 50% of the former text of 20 documents"


def test_edited_files_may_become_shorter() -> None:
    assert not found(DOCUMENTS, history=history(shorter=shorter(9, "pdf", same_file=False)))
    assert found(DOCUMENTS, history=history(shorter=shorter(10, "pdf", same_file=False)))["texts_shorter"].cause


def test_an_empty_system_has_no_findings() -> None:
    assert not found(DOCUMENTS, documents=documents(documents=0, folders={}), history=history(commits=()))
