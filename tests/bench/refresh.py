"""Benchmark of whole refreshes on a warm workspace: all documents, none, 1 % of them, and every document twice.

Run `python -m tests.bench.refresh`; it prints a table and, with `--json FILE`, writes the figures. The bundle runs in
its own folder as users run it, with `localbundle run refresh`; the seconds of a run are those of the whole command.

Kernel starts are measured in the same run from which they are subtracted: for each notebook task, the seconds from the
start of the task (run.json) to that of its first cell (the executed notebook). A kernel that was started in advance
counts with the time that the run still waited for it; the start of the command counts as time of the refresh.
"""

import itertools
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated

import psutil
import typer
from localbundle.runs.record import RunRecord, list_runs
from rich.console import Console
from rich.table import Table

from ragops.demo.corpus import PATHS
from ragops.demo.formats.document import Document
from ragops.demo.formats.markdown import to_markdown
from tests.bench.encoder_alone import encoder_alone
from tests.bench.executed import embedding, kernel_starts
from tests.e2e.bundles import Bundle, copy_bundle, write_notes

SCHEMA = "measured"
# Of 20 pages each. Any change costs at least half a minute, so a few documents would show little.
DOCUMENTS = 1000
TOPICS_A_DOCUMENT = 4
EDITED_SHARE = 0.01
REPEATS = 3
MOST_OWN_S = 10.0
MOST_BEYOND_EMBEDDING_S = 10.0
Figures = dict[str, float | bool]
console = Console()


@dataclass(frozen=True)
class Run:
    """One refresh.

    Attributes:
        seconds: of the whole command.
        load: the machine's load average over about the last minute.
        kernels_s: seconds spent waiting for kernels.
        texts: texts that had no vector.
        record: the record of the run.
    """

    seconds: float
    load: float
    kernels_s: float
    texts: int
    record: RunRecord


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    documents: Annotated[int, typer.Option(help="Number of documents to write.")] = DOCUMENTS,
) -> Figures:
    """Prints all figures as one table and returns them by name."""
    with tempfile.TemporaryDirectory(prefix="bench-refresh-") as folder:
        bundle, landing = copy_bundle(Path(folder)), Path(folder) / "landing"
        let_recall_fall(bundle.root / "usecase.yml")
        landing.mkdir()
        write_documents(landing, documents)
        bundle.run("localbundle", "up", "-t", "dev")
        try:
            figures = measure(bundle, landing)
        finally:
            bundle.run("localbundle", "down", "-t", "dev")
    table = Table("figure", "value", title=f"refresh of {documents} documents on a warm workspace, {REPEATS} runs each")
    for name, value in figures.items():
        table.add_row(name, str(value) if isinstance(value, bool) else f"{value:.2f}".removesuffix(".00"))
    console.print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def let_recall_fall(use_case: Path) -> None:
    """Keeps the recall guard but lets it refuse nothing: with every document twice, recall among ten drops."""
    text = use_case.read_text()
    changed = re.sub(r"max_recall_drop: \S+", "max_recall_drop: 1.0", text)
    assert changed != text
    use_case.write_text(changed)


def measure(bundle: Bundle, landing: Path) -> Figures:
    """All runs, in the order in which they build on each other."""
    warm_up(bundle)
    full = refresh(bundle, landing, "all documents")
    chunks = count(bundle)
    figures: Figures = {"documents": len(list(landing.glob("*.md")))}
    figures |= {"full_s": full.seconds, "full_load": full.load, "full_texts": full.texts, "chunks": chunks["chunks"]}
    figures["chunks_unique"] = chunks["chunks"] == chunks["texts"] == full.texts
    figures["encoder_alone_s"] = encoder_alone(bundle, SCHEMA)
    figures["encoder_alone_ratio"] = figures["encoder_alone_s"] / full.seconds
    figures |= {
        f"full_{key}_s": task.seconds for key, task in full.record.tasks.items() if task.kind == "notebook_task"
    }
    figures |= nothing_to_do(bundle, landing)
    figures |= edits(bundle, landing)
    figures["edit_budget_s"] = float(figures["noop_s"]) + 0.02 * full.seconds + 5
    figures["edit_within_budget"] = figures["edit_s"] <= figures["edit_budget_s"]
    return figures | twice(bundle, landing, full.texts)


def warm_up(bundle: Bundle) -> None:
    """A refresh of eight notes, which converts the model if needed and warms Spark up; not counted in `full`."""
    notes = bundle.root / "notes"
    notes.mkdir()
    write_notes(notes)
    refresh(bundle, notes, "warming up", schema="warming")


def nothing_to_do(bundle: Bundle, landing: Path) -> Figures:
    """Refreshes of an unchanged folder, and whether tables and pointer stayed the same."""
    before, pointer = versions(bundle), bundle.pointer(SCHEMA)
    runs = [refresh(bundle, landing, "nothing to do") for _ in range(REPEATS)]
    noop = sorted(runs, key=lambda run: run.seconds - run.kernels_s)[REPEATS // 2]
    return {
        "noop_s": statistics.median(run.seconds for run in runs),
        "noop_load": noop.load,
        "noop_kernel_starts_s": noop.kernels_s,
        "noop_own_s": noop.seconds - noop.kernels_s,
        "most_own_s": MOST_OWN_S,
        "noop_ingest_s": noop.record.tasks["ingest"].seconds,
        "noop_publish_s": noop.record.tasks["publish"].seconds,
        "noop_texts": sum(run.texts for run in runs),
        "noop_tables_unchanged": versions(bundle) == before,
        "noop_pointer_unchanged": bundle.pointer(SCHEMA) == pointer,
    }


def edits(bundle: Bundle, landing: Path) -> Figures:
    """Edits a paragraph in the middle of 1 % of the documents; only new texts of these documents may be embedded.

    Uses documents of about the mean length: the longest topic alone is a tenth of the language reference.
    """
    files = sorted(landing.glob("*.md"))
    mean = statistics.mean(file.stat().st_size for file in files)
    files.sort(key=lambda file: (abs(file.stat().st_size - mean), file.name))
    edited = max(1, round(EDITED_SHARE * len(files)))
    runs, embedded, new = [], [], []
    for number in range(REPEATS):
        chosen = files[number * edited : (number + 1) * edited]
        before = texts(bundle, chosen)
        for file in chosen:
            file.write_text(with_edit(file.read_text(), word(file.stem)))
        runs.append(refresh(bundle, landing, f"{edited} of {len(files)} documents edited"))
        embedded.append(runs[-1].texts)
        new.append(len(texts(bundle, chosen) - before))
    return {
        "edit_s": statistics.median(run.seconds for run in runs),
        "edit_beyond_embedding_s": min(run.seconds - embedding(bundle, run.record) for run in runs),
        "most_beyond_embedding_s": MOST_BEYOND_EMBEDDING_S,
        "edit_load": statistics.median(run.load for run in runs),
        "edited_documents": edited,
        "edit_texts": sum(embedded),
        "edit_new_texts_of_edited": sum(new),
        "edit_only_their_chunks": embedded == new,
    }


def twice(bundle: Bundle, landing: Path, texts_once: int) -> Figures:
    """Copies every document into a second folder."""
    shutil.copytree(landing, landing / "again", ignore=shutil.ignore_patterns("again"))
    run = refresh(bundle, landing, "every document twice")
    stored = count(bundle)
    return {
        "twice_s": run.seconds,
        "twice_texts": run.texts,
        "twice_chunks": stored["chunks"],
        "twice_distinct_texts": stored["texts"],
        "twice_embedding_ratio": (texts_once + run.texts) / texts_once,
    }


def refresh(bundle: Bundle, landing: Path, what: str, schema: str = SCHEMA) -> Run:
    """One `localbundle run refresh`, timed from outside; a failure ends the benchmark with the output."""
    with console.status(what):
        command = bundle.command("localbundle", "run", "refresh", "-t", "dev")
        command += ["--params", f"landing={landing},schema={schema}"]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=bundle.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{what}: exit code {done.returncode}\n{done.stdout}")
    record = list_runs(bundle.home)[0]
    texts = record.tasks["ingest"].values["chunks_to_embed"]
    run = Run(seconds, psutil.getloadavg()[0], kernel_starts(bundle, record), texts, record)
    result = f"{run.kernels_s:.1f} s of that kernel starts, {texts:,} texts to embed"
    console.print(f"{what}: {seconds:.1f} s, {result} (load {run.load:.1f})", highlight=False)
    return run


def versions(bundle: Bundle) -> dict[str, str]:
    """The last commit of each Delta table, from its log: a table that a run wrote to has another one."""
    logs = (bundle.home / "warehouse" / f"{SCHEMA}.db").glob("*/_delta_log")
    found = {log.parent.name: max(file.name for file in log.glob("*.json")) for log in logs}
    assert found.keys() >= {"documents", "chunks"}, found
    return found


def count(bundle: Bundle, files: Sequence[Path] = ()) -> dict[str, int]:
    """Numbers of chunks and of distinct texts, of some documents or of all."""
    among = ", ".join(f"'{file.name}'" for file in files)
    where = f" WHERE path IN ({among})" if files else ""
    counted = "count(*) AS chunks, count(DISTINCT text_hash) AS texts"
    row: dict[str, int] = bundle.sql(f"SELECT {counted} FROM spark_catalog.{SCHEMA}.chunks{where}")[0]
    return row


def texts(bundle: Bundle, files: Sequence[Path]) -> set[str]:
    """Hashes of some documents' passages."""
    among = ", ".join(f"'{file.name}'" for file in files)
    found = bundle.sql(f"SELECT DISTINCT text_hash FROM spark_catalog.{SCHEMA}.chunks WHERE path IN ({among})")
    return {row["text_hash"] for row in found}


def write_documents(folder: Path, number: int) -> None:
    """The language reference as Markdown, repeated as needed; no two documents have a chunk in common."""
    written = itertools.cycle([to_markdown(Document(topics[topic])).decode() for topic in PATHS])
    for i in range(number):
        file = folder / f"{i:05d}.md"
        text = "\n\n".join(itertools.islice(written, TOPICS_A_DOCUMENT))
        file.write_text(with_word(text, word(file.stem)))


def word(stem: str) -> str:
    """A word that occurs in one document only."""
    return f"copy{stem}"


def with_edit(markdown: str, own: str) -> str:
    """The text with one more word in a paragraph in the middle."""
    parts = markdown.split("\n\n")
    edited = next(i for i, part in enumerate(parts) if i >= len(parts) // 2 and part.endswith(own))
    parts[edited] += " edited"
    return "\n\n".join(parts)


def with_word(markdown: str, own: str) -> str:
    """The text with the word at the end of the title and of every paragraph, but not of code and tables."""
    parts, fenced = [], False
    for part in markdown.split("\n\n"):
        starts_plain = not fenced
        fenced ^= part.count("```") % 2 == 1
        is_text = starts_plain and "```" not in part and not part.startswith("|")
        parts.append(f"{part.rstrip()} {own}" if is_text else part)
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    typer.run(main)
