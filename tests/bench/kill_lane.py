"""One lane of killed refreshes in a running workspace: the job's stages run in a process that gets kill -9.

`localbundle exec -t dev -- python -m tests.bench.kill_lane --help`. For each kill, the folder of documents changes, a
process starts the stages of all three tasks against the warm server and is killed after a stage or at a random moment.
The old index must keep answering, and the next refresh must repair everything. Prints one line of JSON per kill.
Victims are forked from a process that has imported everything, so a kill costs only the killed run and the next one.
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
    schema: Annotated[str, typer.Option(help="A schema for this lane only.")],
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
            if failure:  # the damage of one kill must not count again
                given["schema"] += "_"
                longest_refresh(given, landing, chance)


def parameters(schema: str, landing: Path, usecase: Path) -> Parameters:
    """The values of the widgets of the job's notebooks."""
    return {
        "catalog": "spark_catalog",
        "schema": schema,
        "landing": str(landing),
        "usecase": str(usecase),
        "encoder": "openvino",
        "allow_deletes": "false",
    }


def longest_refresh(given: Parameters, landing: Path, chance: random.Random) -> float:
    """Seconds of a refresh that is not killed, after an initial one: the range of the random moments."""
    in_a_fork(refresh, given)
    edit_some(landing, chance)
    began = time.perf_counter()
    in_a_fork(refresh, given)
    return time.perf_counter() - began


def one(given: Parameters, landing: Path, after: str | float, chance: random.Random) -> str:
    """One kill and the refresh after it; the failure, or ''."""
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
    except Exception as error:  # continue with the next kill in any case
        return f"{type(error).__name__}: {error}"[-2000:]
    return ""


@contextmanager
def started(
    work: Callable[[Parameters, Connection], None], given: Parameters
) -> Iterator[tuple[BaseProcess, Connection]]:
    """Runs the work in its own process; yields the process and its messages, and waits for its end."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(
        target=in_child, args=(work, given, there)
    )  # not a daemon: it starts child processes for parsing
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.join()
        here.close()


def wait(process: BaseProcess, stages: Connection, after: str | float) -> None:
    """Waits for the end of the stage of this name, for this number of seconds, or until the process has ended."""
    if isinstance(after, float):
        process.join(after)
        return
    try:
        while stages.recv() != after:
            pass
    except EOFError:
        pass


def in_a_fork(work: Work, given: Parameters) -> None:
    """Runs the work to its end. Raises RuntimeError with the last message if it fails."""
    with started(work, given) as (process, messages):
        last = ""
        try:
            while True:
                last = messages.recv()
        except EOFError:
            pass
    if process.exitcode:
        raise RuntimeError(f"exit code {process.exitcode}: {last}")


def in_child(work: Work, given: Parameters, result: Connection) -> None:
    """Exits at once after the work: multiprocessing would wait for the parsers, which wait for more files."""
    try:
        work(given, result)
    except BaseException as error:
        result.send(f"{type(error).__name__}: {error}")
        os._exit(1)
    os._exit(0)


def refresh(given: Parameters, result: Connection) -> None:
    """Runs all stages as the job's notebooks do; sends the name of each when it has ended."""
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
    corpus = use_case.corpus
    publish_index(workspace, use_case.embedding, corpus.access, recall_guard(read), languages=corpus.languages)
    result.send("index")
    workspace.spark.stop()


def converge(given: Parameters, result: Connection) -> None:
    """A refresh, after which documents, tables and index must agree, with no unfinished generation left."""
    refresh(given, result)
    read = RefreshParameters.read(given)
    root = index_root(read.workspace)
    corpus = read.use_case.corpus
    report = verify_index(read.workspace, read.use_case.embedding, corpus.access, corpus.languages)
    assert report.ok, str(report)
    assert list((root / "generations").glob(".*")) == [], "an unfinished generation was left"
    rows = CHUNKS.read(read.workspace).select("path").distinct().collect()
    stored, wanted = {row["path"] for row in rows}, {path.name for path in read.landing_folder.glob("*.md")}
    assert stored == wanted, f"chunks of {stored ^ wanted} are missing or stale"


if __name__ == "__main__":
    typer.run(main)
