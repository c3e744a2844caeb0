"""Loads that are interrupted between slices, on real tables; and loads in which no worker may see a document."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark import cloudpickle
from pyspark.errors import UnknownException
from pyspark.sql import DataFrame
from pyspark.sql.connect.dataframe import DataFrame as ConnectFrame

from ragops.answers.llms.providers.token_counts import llm_counter
from ragops.corpus.chunks import stage as chunking
from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents import stage as reading
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.embeddings import stage as embedding
from ragops.corpus.embeddings import vectors
from ragops.corpus.embeddings.model import fingerprint, tokenizer_file
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.embeddings.stage import embeddings_table, refresh_embeddings, texts_to_embed
from ragops.errors import UserError
from ragops.exploration.chunk_sizes.measures import profile_chunking, sizes_to_try
from ragops.exploration.facts import FACTS, refresh_facts
from ragops.exploration.questions.kinds import ExploredQuestion
from ragops.exploration.vocabulary.measures import profile_vocabulary
from ragops.platform import slices
from ragops.platform.merge import MergeCounts, StageReport, merge
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
TOKENIZER = tokenizer_file(USE_CASE.embedding)
FILES = 22


class Interrupted(Exception):
    """A time limit ends the run."""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:02}.md").write_text(f"# Note {number}\n\nNothing but the number {number} is noted here.\n")
    return folder


def load(workspace: Workspace, landing: Path, most: int) -> list[StageReport]:
    source = encoder_source(USE_CASE.embedding, "openvino", converted=models_folder(workspace))
    return [
        refresh_documents(workspace, landing, ParseLimits(), most=most),
        refresh_chunks(workspace, USE_CASE.chunking, TOKENIZER, most=most),
        refresh_embeddings(workspace, USE_CASE.embedding, source, most=most),
    ]


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Makes the run end when `after` slices have been merged."""
    merged: list[Table] = []

    def merge_some(
        workspace: Workspace, table: Table, rows: DataFrame, replacing: DataFrame | None = None
    ) -> MergeCounts:
        if len(merged) == after:
            raise Interrupted
        merged.append(table)
        return merge(workspace, table, rows, replacing)

    for stage in (reading, chunking, embedding):
        monkeypatch.setattr(stage, "merge", merge_some)


def inserts(workspace: Workspace, table: Table) -> list[int]:
    """Rows that each MERGE inserted, from the first to the last."""
    history = workspace.spark.sql(f"DESCRIBE HISTORY {workspace.table(table.name)}").where("operation = 'MERGE'")
    rows = history.selectExpr("version", "bigint(operationMetrics['numTargetRowsInserted']) AS n").collect()
    return [row["n"] for row in sorted(rows)]


def test_a_load_interrupted_three_times_converges_and_repeats_no_slice(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for after in (2, 4, 4):  # in documents, then in chunks, then in embeddings
        with monkeypatch.context() as patch:
            interrupt(patch, after)
            with pytest.raises(Interrupted):
                load(workspace, landing, most=6)
    result = capsys.readouterr().out.splitlines()
    assert "documents: slice 2 merged, 12 of 22 files read" in result
    assert "documents: slice 2 merged, 10 of 10 files read" in result
    documents, chunks, embeddings = load(workspace, landing, most=6)
    assert (documents.idle, chunks.idle) == (True, True)
    assert inserts(workspace, DOCUMENTS) == [6, 6, 6, 4]
    assert inserts(workspace, CHUNKS) == [6, 6, 6, 4]
    embedded = inserts(workspace, embeddings_table(fingerprint(USE_CASE.embedding)))
    assert sum(embedded) == FILES and all(0 < count < FILES for count in embedded)
    assert texts_to_embed(workspace, USE_CASE.embedding).isEmpty()
    assert all(report.idle for report in load(workspace, landing, most=6))


def test_documents_that_vanished_are_removed_with_the_first_slice(workspace: Workspace, landing: Path) -> None:
    load(workspace, landing, most=100)
    for number in range(3):
        (landing / f"{number:02}.md").unlink()
        (landing / f"{number:02}-again.md").write_text(f"# Again\n\nNumber {number} is back under another name.\n")
    documents, chunks, _ = load(workspace, landing, most=2)
    assert (documents.added, documents.deleted, documents.changed) == (3, 3, 0)
    assert (chunks.added, chunks.deleted, chunks.changed) == (3, 3, 0)
    (landing / "04.md").unlink()
    assert [report.deleted for report in load(workspace, landing, most=2)] == [1, 1, 0]


def test_a_slice_has_partitions_for_its_own_files_only(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for all new files: with 100,000 files each slice would have thousands of partitions, nearly all empty."""
    found: list[int] = []

    def repartition(self: ConnectFrame, partitions: int) -> DataFrame:
        found.append(partitions)
        return real(self, partitions)

    real = ConnectFrame.repartition
    monkeypatch.setattr(ConnectFrame, "repartition", repartition)
    monkeypatch.setattr(slices, "_ROWS_A_PARTITION", 1)
    assert refresh_documents(workspace, landing, ParseLimits(), most=18).added == FILES
    assert found == [18, 4]


@pytest.fixture
def serverless(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes workers see no files of the driver; returns the schemas of the functions that ran in workers."""
    made: list[str] = []

    def map_in_pandas(
        self: ConnectFrame, function: Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]], schema: str
    ) -> DataFrame:
        assert b"pathlib" not in cloudpickle.dumps(function), "a worker on serverless compute does not have these files"
        made.append(schema)
        return real(self, function, schema)

    real = ConnectFrame.mapInPandas
    monkeypatch.setattr(ConnectFrame, "mapInPandas", map_in_pandas)
    for module in (slices, vectors):
        monkeypatch.setattr(module, "on_serverless", lambda: True)

    def refuse(*args: object) -> None:
        raise AssertionError("a worker on serverless compute has too little memory for a model")

    monkeypatch.setattr(vectors, "embed_udf", refuse)
    return made


def test_on_serverless_no_worker_sees_a_whole_document(
    workspace: Workspace, landing: Path, serverless: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "CHARACTERS_A_SLICE", 400)
    for report in load(workspace, landing, most=20):
        assert report.added == FILES
    assert refresh_facts(workspace, TOKENIZER, llm_counter(USE_CASE.models, Path), most=20).added == FILES
    assert serverless == []
    assert len(inserts(workspace, CHUNKS)) > 2
    assert DOCUMENTS.read(workspace).where("markdown IS NULL").isEmpty()
    assert FACTS.read(workspace).where("tokens > 0").count() == FILES


def test_on_serverless_workers_need_no_files(workspace: Workspace, landing: Path, serverless: list[str]) -> None:
    load(workspace, landing, most=100)
    source = encoder_source(USE_CASE.embedding, "openvino", converted=models_folder(workspace))
    measures = list(profile_vocabulary(workspace, "en", TOKENIZER))
    asked = [ExploredQuestion(question="Which number is noted?", anchor="the number 7")]
    measures += profile_chunking(
        workspace, USE_CASE.embedding, source, asked, sizes_to_try(USE_CASE.chunking, [64]), 10
    )
    values = {(one.measure, one.group): one.value for one in measures}
    assert values["chunking.recall_at_10", "64"] == 1  # with ten documents, all are found
    assert serverless


def test_a_commit_that_loses_against_another_run_is_reported_in_one_line(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the one that Delta gave for two loads of one folder."""

    def lose(self: Workspace, statement: str, rights: str, on: str) -> DataFrame:
        if not statement.startswith("MERGE"):
            return real(self, statement, rights, on)
        raise UnknownException("(io.delta.exceptions.ConcurrentAppendException) [DELTA_CONCURRENT_APPEND.WITHOUT_HINT]")

    real = Workspace.execute
    monkeypatch.setattr(Workspace, "execute", lose)
    with pytest.raises(UserError, match=r"^documents: another run changed it"):
        refresh_documents(workspace, landing, ParseLimits())


def test_a_worker_killed_for_its_memory_is_reported_in_one_line(workspace: Workspace) -> None:
    CHUNKS.create(workspace)

    def die(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from batches

    rows = workspace.spark.range(3).mapInPandas(die, CHUNKS.schema)
    with pytest.raises(UserError, match=r"^chunks: a Spark worker was killed"):
        merge(workspace, CHUNKS, rows)
    assert CHUNKS.read(workspace).isEmpty()
