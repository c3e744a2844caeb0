"""Benchmark of one run of the monitor over many chunks: CPU seconds of the run itself and of the Spark server.

Run `python -m tests.bench.monitor`; it prints a table and, with `--json FILE`, writes the figures. Documents, chunks
and vectors are made in Spark, so that nothing is embedded; the index is published as the refresh job does it. Judging
is not part of it. The goal is 60 s of CPU time for 100,000 chunks, on two cores; Spark counts as part of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import psutil
import typer
from rich.console import Console
from rich.table import Table

from ragops.answers.llms.ledger.calls import CALLS
from ragops.assembly import encoder_recipe
from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents.landing import LandingFile, list_files
from ragops.corpus.documents.parsing import PARSER_VERSION
from ragops.corpus.documents.table import DOCUMENTS, DocumentRow
from ragops.corpus.embeddings.model import fingerprint
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.corpus.index.stage import publish_index
from ragops.monitoring.stage import monitor
from ragops.monitoring.system.read import Place
from ragops.platform.tables import Table as TableOfRows
from ragops.platform.workspace import LANDING, Workspace, models_folder
from ragops.quality.feedback.rows import ANSWERS
from ragops.usecase import load_usecase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

REPOSITORY = Path(__file__).parents[2]
LOCALBUNDLE = Path(sys.executable).parent / "localbundle"
USE_CASE = load_usecase(REPOSITORY / "usecase.yml")
MOST_S = 60.0
VOCABULARY, WORDS = 30_000, 80
CHUNKS_A_DOCUMENT = 20
ANSWERS_A_DAY = 200


def main(
    chunks: Annotated[int, typer.Option(help="Number of chunks.")] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Prints all figures as one table, or writes them."""
    if "SPARK_REMOTE" not in os.environ:
        os.chdir(REPOSITORY)
        words = [
            str(LOCALBUNDLE),
            "exec",
            "-t",
            "dev",
            "--",
            sys.executable,
            "-m",
            "tests.bench.monitor",
            *sys.argv[1:],
        ]
        os.execv(LOCALBUNDLE, words)
    figures = measured(chunks)
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.1f}")
    Console().print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))


def measured(chunks: int) -> dict[str, float]:
    """Makes a system with this number of chunks, runs the monitor twice, and removes the system."""
    workspace = Workspace("spark_catalog", f"monitored_{uuid.uuid4().hex[:12]}")
    workspace.create_schema()
    try:
        make_system(workspace, chunks)
        encoder = encoder_recipe(USE_CASE, models_folder(workspace), "openvino", threads=0)
        place = Place(workspace, USE_CASE, workspace.volume(LANDING), REPOSITORY, "dev", encoder)
        monitor(place)  # imports, and the server's first look at the tables
        own, server, began = _own_cpu(), _server_cpu(), time.perf_counter()
        done = monitor(place)
        figures = {
            "chunks": float(chunks),
            "own_cpu_s": _own_cpu() - own,
            "server_cpu_s": _server_cpu() - server,
            "seconds": time.perf_counter() - began,
            "findings": float(len(done.findings)),
            "most_s": MOST_S,
        }
        figures["cpu_s"] = figures["own_cpu_s"] + figures["server_cpu_s"]
        for one in done.findings:
            print(one.severity, one.check, one.title, file=sys.stderr)
        return figures
    finally:
        workspace.spark.sql(f"DROP SCHEMA `{workspace.catalog}`.`{workspace.schema}` CASCADE")


def make_system(workspace: Workspace, chunks: int) -> None:
    """Documents with files, chunks, vectors, the published index, and two weeks of answers and calls."""
    files = _files(workspace.volume(LANDING), chunks // CHUNKS_A_DOCUMENT)
    DOCUMENTS.create(workspace)
    _append(workspace, DOCUMENTS, workspace.spark.createDataFrame([_document(one) for one in files], DOCUMENTS.schema))
    parts = workspace.spark.createDataFrame([(one.doc_id, one.path) for one in files], "doc_id STRING, path STRING")
    made = parts.repartition(16, "doc_id").mapInPandas(_chunks, CHUNKS.schema)
    CHUNKS.create(workspace)
    _append(workspace, CHUNKS, made)
    vectors = embeddings_table(fingerprint(USE_CASE.embedding))
    vectors.create(workspace)
    texts = CHUNKS.read(workspace).select("text_hash").distinct()
    _append(workspace, vectors, texts.mapInPandas(_vectors, vectors.schema))
    publish_index(workspace, USE_CASE.embedding, (), languages=("en",))
    _use(workspace)


def _files(landing: Path, count: int) -> list[LandingFile]:
    for number in range(count):
        folder = landing / f"part{number % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.md").write_text(f"# Document {number}\n")
    return list(list_files(landing))


def _document(file: LandingFile) -> tuple[object, ...]:
    row = DocumentRow(
        doc_id=file.doc_id, path=file.path, title=file.path, language="en", format="md", markdown="text " * 2_000,
        size_bytes=file.size_bytes, modified_at=file.modified_at, file_hash="0" * 64, doc_hash="0" * 64, parser="text",
        parser_version=PARSER_VERSION, ocr=False, changed_us=file.changed_us, ingested_at=datetime.now(UTC),
    )  # fmt: skip
    values = (getattr(row, name) for name in DOCUMENTS.names)
    return tuple(list(value) if isinstance(value, tuple) else value for value in values)


def _chunks(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield pd.DataFrame(
            [_chunk(row.doc_id, row.path, number) for row in batch.itertuples() for number in range(CHUNKS_A_DOCUMENT)]
        )[CHUNKS.names]


def _chunk(doc_id: str, path: str, ordinal: int) -> dict[str, object]:
    key = hashlib.sha256(f"{doc_id} {ordinal}".encode()).hexdigest()
    chance = random.Random(key)
    text = " ".join(f"word{int(chance.paretovariate(0.3)) % VOCABULARY}" for _ in range(WORDS))
    return {
        "chunk_id": key, "doc_id": doc_id, "ordinal": ordinal, "title": path, "path": path, "heading_path": ["Part"],
        "text": text, "embedded_text": f"{path}\nPart\n{text}", "tokens": 2 * WORDS, "page": None,
        "text_hash": hashlib.sha256(text.encode()).hexdigest(), "source_version": "1",
    }  # fmt: skip


def _vectors(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        made = [np.random.default_rng(int(one[:12], 16)).standard_normal(384, np.float32) for one in batch["text_hash"]]
        values = {"text_hash": batch["text_hash"], "embedding": [one.tolist() for one in made]}
        yield pd.DataFrame(values | {"embedded_at": pd.Timestamp(datetime.now(UTC)).tz_localize(None)})


def _use(workspace: Workspace) -> None:
    """Answers of 40 people that used passages of the index, each with a call of a model."""
    chance, now = np.random.default_rng(0), datetime.now(UTC)
    passages = [row[0] for row in CHUNKS.read(workspace).select("chunk_id").limit(5_000).collect()]
    answers, calls = [], []
    for number in range(15 * ANSWERS_A_DAY):
        at, who = now - timedelta(days=float(chance.uniform(0, 15))), f"p{number % 40}"
        used = [passages[one] for one in chance.integers(0, len(passages), 8)]
        answers.append(
            {"answer_id": f"resp_{number:032x}", "asked_at": at, "who": who, "question": f"What is {used[0][:6]}?",
             "standalone": "", "answer": "It does.", "model": "served", "prompt": "cite@1", "chain_name": "c",
             "chain_version": "1", "generation": "g", "passages": used, "cited": used[:2],
             "seconds": float(chance.lognormal(0.5, 0.4))}
        )  # fmt: skip
        calls.append(
            {"call_id": f"{number:032x}", "called_at": at, "who": who, "purpose": "ask", "model": "served",
             "provider": "openai_compatible", "prompt_tokens": 1500, "completion_tokens": 80, "cost": 0.00087,
             "seconds": 1.0, "attempts": 1, "cached": False, "outcome": "answered"}
        )  # fmt: skip
    for table, rows in ((ANSWERS, answers), (CALLS, calls)):
        table.create(workspace)
        made = [tuple(row.get(name) for name in table.names) for row in rows]
        _append(workspace, table, workspace.spark.createDataFrame(made, table.schema))


def _append(workspace: Workspace, table: TableOfRows, rows: DataFrame) -> None:
    rows.select(*table.names).write.mode("append").saveAsTable(workspace.table(table.name))


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_cpu() -> float:
    """Of all Java processes of this workspace's server."""
    total = 0.0
    for process in _java():
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _java() -> Iterator[psutil.Process]:
    home = os.environ["LOCALBUNDLE_HOME"]
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "java" and home in " ".join(process.info["cmdline"] or ()):
            yield process


if __name__ == "__main__":
    typer.run(main)
