"""The monitor over a real schema: healthy, broken in several ways, and as empty or old as a schema can be."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragops.assembly import encoder_recipe
from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.embeddings.stage import refresh_embeddings
from ragops.corpus.index.generations.manifest import PASSAGE_FILE
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.corpus.index.stage import publish_index
from ragops.monitoring.finding import FINDINGS, Finding
from ragops.monitoring.stage import Monitored, monitor
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.read import Place
from ragops.platform.tables import Table
from ragops.platform.workspace import LANDING, Workspace, models_folder
from ragops.quality.feedback.rows import ANSWERS
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
TEXTS = {
    "guide/returns.md": "# Returns\n\nGoods can be sent back within thirty days of their arrival, with the receipt.",
    "guide/payment.md": "# Payment\n\nInvoices are due within two weeks. Reminders cost five euros from the second on.",
    "guide/delivery.md": "# Delivery\n\nParcels arrive within three working days. Islands take two days longer.",
    "staff/holidays.md": "# Holidays\n\nEverybody has thirty days a year; ten may be taken into the next year.",
    "staff/travel.md": "# Travel\n\nTrains are booked in second class; flights need a signature of the head.",
}
QUESTIONS = [
    {
        "question_id": "q1",
        "question": "How long can I send goods back?",
        "quotes": ["within thirty days of their arrival"],
    },
    {"question_id": "q2", "question": "When is an invoice due?", "quotes": ["Invoices are due within two weeks"]},
]


def write(landing: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(text)


def refresh(workspace: Workspace) -> None:
    """What the job refresh does."""
    encoder = encoder_recipe(USE_CASE, models_folder(workspace), "openvino", threads=2)
    refresh_documents(workspace, workspace.volume(LANDING), USE_CASE.documents.limits)
    refresh_chunks(workspace, USE_CASE.chunking, tokenizer_file(USE_CASE.embedding))
    refresh_embeddings(workspace, USE_CASE.embedding, encoder)
    publish_index(workspace, USE_CASE.embedding, (), languages=("en",))


@pytest.fixture
def place(workspace: Workspace, tmp_path: Path) -> Place:
    (tmp_path / "questions.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in QUESTIONS))
    named = USE_CASE.evaluation.model_copy(update={"questions": str(tmp_path / "questions.jsonl")})
    encoder = encoder_recipe(USE_CASE, models_folder(workspace), "openvino")
    return Place(
        workspace,
        USE_CASE.model_copy(update={"evaluation": named}),
        workspace.volume(LANDING),
        tmp_path,
        "dev",
        encoder,
    )


def checks(done: Monitored) -> dict[str, Finding]:
    return {one.check: one for one in done.findings}


def stored(workspace: Workspace) -> list[tuple[str, bool, int]]:
    rows = FINDINGS.read(workspace).orderBy("opened_at").collect()
    return [(row["check"], row["closed_at"] is None, row["occurrence"]) for row in rows]


def test_a_fault_is_opened_once_closed_when_gone_and_opened_again(place: Place) -> None:
    workspace, landing = place.workspace, place.landing
    write(landing, TEXTS)
    refresh(workspace)
    healthy = monitor(place)
    assert not healthy.findings, healthy.findings
    index = healthy.system.index
    assert isinstance(index, IndexState) and index.recall and index.recall.share == 1.0
    assert {one.kind for one in healthy.system.changes} == {"generation", "corpus"}

    for name in ("holidays", "travel"):
        (landing / "staff" / f"{name}.md").unlink()
    refresh(workspace)
    broken = monitor(place)
    one = checks(broken)["folder_emptied"]
    assert (one.subject, one.cause, one.cause_kind) == ("staff", "the folder staff is empty", "corpus")
    assert abs(one.since - datetime.now(UTC)) < timedelta(minutes=5)
    assert not monitor(place).updated.opened
    assert stored(workspace) == [("folder_emptied", True, 1)]

    write(landing, {name: text for name, text in TEXTS.items() if name.startswith("staff")})
    refresh(workspace)
    assert [one.check for one in monitor(place).updated.closed] == ["folder_emptied"]
    assert stored(workspace) == [("folder_emptied", False, 1)]


def test_rows_that_are_deleted_from_the_index_are_missed(place: Place, tmp_path: Path) -> None:
    workspace = place.workspace
    write(place.landing, TEXTS)
    refresh(workspace)
    index = PublishedIndex(index_root(workspace))
    file, copy = index.folder(index.pointer().generation) / PASSAGE_FILE, tmp_path / PASSAGE_FILE
    shutil.copyfile(file, copy)
    with sqlite3.connect(copy) as passages:
        passages.execute("DELETE FROM passages WHERE rowid IN (SELECT min(rowid) FROM passages)")
    shutil.copyfile(copy, file)  # whole, as a volume wants it
    some = checks(monitor(place))
    assert "index_rows_missing" in some
    assert "files of the generation were changed" in (some["index_rows_missing"].cause or "")

    # A document of which no vector was made is late, though the index cannot be compared with the tables then.
    write(place.landing, {"guide/gifts.md": "# Gifts\n\nGifts are wrapped without a charge."})
    refresh_documents(workspace, place.landing, USE_CASE.documents.limits)
    refresh_chunks(workspace, USE_CASE.chunking, tokenizer_file(USE_CASE.embedding))
    some = checks(monitor(place, datetime.now(UTC) + timedelta(hours=3)))
    assert "have no vector" in some["index_not_verified"].details
    assert "guide/gifts.md" in some["freshness_exceeded"].details


def test_an_empty_schema_has_no_findings(place: Place) -> None:
    done = monitor(place)
    assert not done.findings, done.findings
    assert not stored(place.workspace)


def test_files_that_no_refresh_has_read(place: Place) -> None:
    write(place.landing, {"a.md": "# A\n\nText."})
    late = datetime.now(UTC) + timedelta(hours=2)
    one = checks(monitor(place, late))["freshness_exceeded"]
    assert one.cause == "the refresh job has never run" and one.value == pytest.approx(120, abs=2)


def test_a_store_that_cannot_be_reached_is_a_finding_and_keeps_the_others(place: Place, tmp_path: Path) -> None:
    write(place.landing, {"a.md": "# A\n\nText."})
    late = datetime.now(UTC) + timedelta(hours=2)
    assert "freshness_exceeded" in checks(monitor(place, late))
    gone = Place(place.workspace, place.use_case, tmp_path / "not mounted", place.files, "dev", place.encoder)
    some = checks(monitor(gone, late + timedelta(hours=1)))
    assert some.keys() == {"freshness_exceeded", "source_unreadable"}
    assert "no folder" in some["source_unreadable"].details and some["source_unreadable"].subject == "documents"


def test_a_table_of_an_earlier_version_with_rows_from_the_future(place: Place) -> None:
    workspace = place.workspace
    old = Table(ANSWERS.name, ANSWERS.comment, ANSWERS.key, ANSWERS.columns[:16], ANSWERS.cluster_by)
    assert old.names[-1] == "seconds"
    old.create(workspace)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    values = {"answer_id": "resp_1", "asked_at": ahead, "who": "ada", "question": "q", "answer": "a", "seconds": 1.0}
    row = tuple(values.get(name) for name in old.names)
    workspace.spark.createDataFrame([row], old.schema).write.mode("append").saveAsTable(workspace.table(old.name))
    some = {(one.check, one.subject): one for one in monitor(place).findings}
    assert some.keys() == {("clock_ahead", "table answers"), ("table_outdated", "answers")}
    assert "1 row of answers dated in the future" in some["clock_ahead", "table answers"].title
