"""What is broken around a refreshed system: the monitor still runs, says what it cannot read, and writes its page."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragops.assembly import encoder_recipe
from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import fingerprint, tokenizer_file
from ragops.corpus.embeddings.stage import embeddings_table, refresh_embeddings
from ragops.corpus.index.generations.pointer import POINTER_COPY, POINTER_FILE
from ragops.corpus.index.generations.published_files import index_root
from ragops.corpus.index.stage import publish_index
from ragops.monitoring.finding import FINDINGS, Finding
from ragops.monitoring.next_steps import NEXT_STEPS
from ragops.monitoring.report.build import status_page
from ragops.monitoring.report.render import render
from ragops.monitoring.stage import monitor
from ragops.monitoring.system.read import Place
from ragops.platform.tables import Table
from ragops.platform.workspace import INDEXES, LANDING, LEDGER, Workspace, models_folder
from ragops.quality.feedback.rows import ANSWERS
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
TEXTS = {"guide/returns.md": "# Returns\n\nGoods can be sent back.", "staff/travel.md": "# Travel\n\nBy train only."}


@pytest.fixture(scope="module")
def place(shared_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A refreshed system, whose faults each test takes back; no page of it was written, and nobody asked anything."""
    workspace, landing, files = shared_workspace, shared_workspace.volume(LANDING), tmp_path_factory.mktemp("files")
    for name, text in TEXTS.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(text)
    encoder = encoder_recipe(USE_CASE, models_folder(workspace), "openvino", threads=2)
    refresh_documents(workspace, landing, USE_CASE.documents.limits)
    refresh_chunks(workspace, USE_CASE.chunking, tokenizer_file(USE_CASE.embedding))
    refresh_embeddings(workspace, USE_CASE.embedding, encoder)
    publish_index(workspace, USE_CASE.embedding, (), languages=("en",))
    unasked = USE_CASE.evaluation.model_copy(update={"questions": None})
    use_case = USE_CASE.model_copy(update={"evaluation": unasked})
    # Without an encoder: loading one for each run would take most of the time.
    return Place(workspace, use_case, landing, files, "dev")


def looked(place: Place, now: datetime | None = None) -> dict[tuple[str, str], Finding]:
    """What a run finds that writes nothing; its page can be made."""
    done = monitor(place, now, write=False)
    assert "</html>" in render(status_page(done.system, done.updated.open, done.updated.closed))
    return {(one.check, one.subject): one for one in done.findings}


@contextmanager
def renamed(path: Path) -> Iterator[None]:
    """By a program of the system: volumes refuse a rename by this process."""
    aside = path.with_name(f"{path.name} aside")
    subprocess.run(["mv", path, aside], check=True)
    yield
    subprocess.run(["mv", aside, path], check=True)


def test_a_system_that_has_answered_nothing_has_no_findings(place: Place) -> None:
    assert not looked(place)


@pytest.mark.parametrize("content", ["", '{"generation": 7}', '{"generation": "000009-aaaaaaaa"}'])
def test_a_damaged_pointer_is_a_finding_if_its_copy_is_damaged_too(place: Place, content: str) -> None:
    files = [index_root(place.workspace) / name for name in (POINTER_FILE, POINTER_COPY)]
    whole = [file.read_bytes() for file in files]
    try:
        files[0].write_text(content)
        one_is_left = looked(place)
        files[1].write_text(content)
        none_is_left = looked(place)
    finally:
        for file, bytes_ in zip(files, whole, strict=True):
            file.write_bytes(bytes_)
    assert not one_is_left and {check for check, _ in none_is_left} == {"index_unusable"}, (one_is_left, none_is_left)


@pytest.mark.parametrize("volume", [INDEXES, LEDGER])
def test_a_volume_that_is_missing(place: Place, volume: str) -> None:
    with renamed(place.workspace.volume(volume)):
        some = looked(place)
    assert {check for check, _ in some} == ({"index_missing"} if volume == INDEXES else set())


@pytest.mark.parametrize("table", [CHUNKS, embeddings_table(fingerprint(USE_CASE.embedding))])
def test_a_table_that_is_missing(place: Place, table: Table) -> None:
    """What is deleted can be restored: the folder is only put aside, as a table whose files cannot be read."""
    workspace = place.workspace
    name = workspace.table(table.name)
    workspace.spark.sql(f"ALTER TABLE {name} RENAME TO `{workspace.schema}`.`aside`")
    try:
        some = looked(place)
    finally:
        workspace.spark.sql(f"DROP TABLE IF EXISTS {name}")
        workspace.spark.sql(f"ALTER TABLE `{workspace.schema}`.`aside` RENAME TO `{workspace.schema}`.`{table.name}`")
    assert some and all(one.details or one.title for one in some.values())
    assert all(check.startswith(("index_", "source_")) for check, _ in some), some


def test_a_clock_that_went_back(place: Place) -> None:
    some = looked(place, datetime.now(UTC) - timedelta(hours=3))
    assert {subject for check, subject in some if check == "clock_ahead"} >= {"landing folder", "index"}


def test_half_written_files_of_the_ledger_wait_like_others(place: Place) -> None:
    ledger = place.workspace.volume(LEDGER)
    half = [ledger / "calls.jsonl", ledger / "answers" / "resp_1.json", ledger / "feedback" / "v.json"]
    for file in half:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"call_id": "a')
    try:
        assert not looked(place)
        late = looked(place, datetime.now(UTC) + timedelta(hours=USE_CASE.monitoring.collected_within_hours + 1))
    finally:
        for file in half:
            file.unlink()
    (one,) = (one for (check, _), one in late.items() if check == "ledger_not_collected")
    assert "3 files" in one.title


def test_a_store_of_traces_that_cannot_be_read_is_a_finding(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = place.workspace
    ANSWERS.create(workspace)
    values = {"answer_id": "resp_1", "asked_at": datetime.now(UTC), "who": "ada", "question": "q", "answer": "a",
              "trace_id": "tr-1", "seconds": 1.0}  # fmt: skip
    row = tuple(values.get(name) for name in ANSWERS.names)
    workspace.spark.createDataFrame([row], ANSWERS.schema).write.mode("append").saveAsTable(
        workspace.table(ANSWERS.name)
    )
    database = Path(os.environ["LOCALBUNDLE_HOME"]) / "mlflow" / "mlflow.db"
    database.parent.mkdir(exist_ok=True)
    kept = database.read_bytes() if database.exists() else None
    database.write_bytes(b"no database" * 1000)
    try:
        some = looked(place)
    finally:
        database.unlink()
        if kept:
            database.write_bytes(kept)
        workspace.spark.sql(f"DELETE FROM {workspace.table(ANSWERS.name)}")
    assert some.keys() == {("source_unreadable", "traces"), ("source_unreadable", "settings")}, some
    assert all("mlflow.db is damaged" in one.details for one in some.values())


def test_a_use_case_that_requires_nothing(place: Place) -> None:
    free = place.use_case.model_copy(update={"success": ()})
    assert not looked(replace(place, use_case=free))


@pytest.mark.parametrize(
    ("table", "kept"),
    [(FINDINGS, FINDINGS.names[:-3]), (NEXT_STEPS, NEXT_STEPS.names[:-1])],
)
def test_tables_of_the_monitor_that_an_earlier_version_wrote(
    place: Place, table: Table, kept: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    """They get the columns that they lack with the next run, and what they say stays."""
    workspace = place.workspace
    columns = tuple(one for one in table.columns if one.name in kept)
    Table(table.name, table.comment, table.key, columns, table.cluster_by).create(workspace)
    request.addfinalizer(lambda: workspace.spark.sql(f"DROP TABLE {workspace.table(table.name)}"))
    assert not monitor(place).findings
    assert set(table.names) <= set(table.read(workspace).columns)
