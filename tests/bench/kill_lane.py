"""One lane of killed refreshes in a workspace that is up: the job's stages run in a process that gets kill -9.

`localbundle exec -t dev -- python -m tests.bench.kill_lane --help`. Each kill: the folder of documents changes, a
process starts all three tasks' stages against the warm server and dies at a stage's border or at any moment, the old
index must answer meanwhile, and the next refresh must fix everything. One line of JSON a kill goes to the output.
Victims are forked from a process that has imported all: a kill costs the run that died and the one that fixes.
"""

import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Annotated

import typer

from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.embeddings.stage import refresh_embeddings, texts_to_embed
from ragops.corpus.index.generations.published_files import index_root
from ragops.corpus.index.reading.reader import IndexReader
from ragops.corpus.index.stage import publish_index, verify_index
from ragops.jobs.refresh import RefreshParameters, convert_for_cpu, recall_guard
from tests.e2e.bundles import write_notes
from tests.e2e.kills import edit_some

STAGES = ("documents", "chunks", "embeddings", "index")
BORDER_SHARE = 0.25
FORKS = multiprocessing.get_context("forkserver")
Parameters = dict[str, str]
Work = Callable[[Parameters, Connection], None]


def main(
    schema: Annotated[str, typer.Option(help="A schema of this lane's own.")],
    usecase: Annotated[Path, typer.Option(help="The use case.")],
    kills: int = 10,
    seed: int = 0,
) -> None:
    """Prints {victim, after, failure, seconds} for each kill, as JSON lines."""
    FORKS.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kill-lane-") as folder:
        landing = Path(folder)
        write_notes(landing)
        given = parameters(schema, landing, usecase)
        longest = longest_refresh(given, landing, chance)
        for _ in range(kills):
            after = chance.choice(STAGES) if chance.random() < BORDER_SHARE else round(chance.random() * longest, 2)
            began = time.perf_counter()
            failure = one(given, landing, after, chance)
            result = {"victim": "stages", "after": after, "failure": failure}
            print(json.dumps(result | {"seconds": round(time.perf_counter() - began, 1)}), flush=True)
            if failure:  # what one kill broke is not counted again
                given["schema"] += "_"
                longest_refresh(given, landing, chance)


def parameters(schema: str, landing: Path, usecase: Path) -> Parameters:
    """What the job's notebooks would find in their widgets."""
    return {
        "catalog": "spark_catalog",
        "schema": schema,
        "landing": str(landing),
        "usecase": str(usecase),
        "encoder": "openvino",
        "allow_deletes": "false",
    }


def longest_refresh(given: Parameters, landing: Path, chance: random.Random) -> float:
    """Seconds of a refresh that nobody kills, after one that made everything: moments are spread over as many."""
    in_a_fork(refresh, given)
    edit_some(landing, chance)
    began = time.perf_counter()
    in_a_fork(refresh, given)
    return time.perf_counter() - began


def one(given: Parameters, landing: Path, after: str | float, chance: random.Random) -> str:
    """One kill and the refresh after it; what went wrong, or ''."""
    edit_some(landing, chance)
    try:
        reader = IndexReader(index_root(RefreshParameters.read(given).workspace))
        try:
            with started(refresh, given) as (process, stages):
                wait(process, stages, after)
                process.kill()
            assert reader.lexical("fish bridge counted", 3), "the old index stopped serving"
        finally:
            reader.close()
        in_a_fork(converge, given)
    except Exception as error:  # the next kill is tried whatever this one did
        return f"{type(error).__name__}: {error}"[-2000:]
    return ""


@contextmanager
def started(
    work: Callable[[Parameters, Connection], None], given: Parameters
) -> Iterator[tuple[BaseProcess, Connection]]:
    """The work in a process of its own, and what it says; waits for its end."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=in_child, args=(work, given, there))  # no daemon: it starts parsers of its own
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.join()
        here.close()


def wait(process: BaseProcess, stages: Connection, after: str | float) -> None:
    """Until the stage of this name has ended, or for as many seconds, or until there is nobody left to kill."""
    if isinstance(after, float):
        process.join(after)
        return
    try:
        while stages.recv() != after:
            pass
    except EOFError:
        pass


def in_a_fork(work: Work, given: Parameters) -> None:
    """Runs to the end. Raises RuntimeError with what the process said last when it failed."""
    with started(work, given) as (process, said):
        last = ""
        try:
            while True:
                last = said.recv()
        except EOFError:
            pass
    if process.exitcode:
        raise RuntimeError(f"exit code {process.exitcode}: {last}")


def in_child(work: Work, given: Parameters, result: Connection) -> None:
    """Ends at once when the work has: multiprocessing would first wait for the parsers, which wait for more files."""
    try:
        work(given, result)
    except BaseException as error:
        result.send(f"{type(error).__name__}: {error}")
        os._exit(1)
    os._exit(0)


def refresh(given: Parameters, result: Connection) -> None:
    """All stages as the job's notebooks run them, each named when it has ended."""
    read = RefreshParameters.read(given)
    workspace, use_case = read.workspace, read.use_case
    workspace.create_schema()
    refresh_documents(workspace, read.landing_folder, use_case.documents.limits, read.max_delete_fraction)
    result.send("documents")
    refresh_chunks(workspace, use_case.chunking, tokenizer_file(use_case.embedding))
    result.send("chunks")
    if texts_to_embed(workspace, use_case.embedding).count():
        convert_for_cpu(read)
        refresh_embeddings(workspace, use_case.embedding, read.encoder_source(read.encoder))
    result.send("embeddings")
    publish_index(workspace, use_case.embedding, use_case.corpus.access, recall_guard(read))
    result.send("index")
    workspace.spark.stop()


def converge(given: Parameters, result: Connection) -> None:
    """A refresh, and then everything must agree: documents, tables and index, with nothing half-built left."""
    refresh(given, result)
    read = RefreshParameters.read(given)
    root = index_root(read.workspace)
    report = verify_index(read.workspace, read.use_case.embedding, read.use_case.corpus.access)
    assert report.ok, str(report)
    assert list((root / "generations").glob(".*")) == [], "a half-built generation was left"
    rows = CHUNKS.read(read.workspace).select("path").distinct().collect()
    held, wanted = {row["path"] for row in rows}, {path.name for path in read.landing_folder.glob("*.md")}
    assert held == wanted, f"chunks of {held ^ wanted} are missing or stale"


if __name__ == "__main__":
    typer.run(main)
