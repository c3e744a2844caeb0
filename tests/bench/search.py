"""Benchmark of an index of 100,000 passages: building, a 1 % change, a no-op, opening, searching, packing a context.

Run `python -m tests.bench.search`; it prints the figures and, with `--json FILE`, writes them. Searches are without the
encoder, tokens are counted by words. Each query runs several times: percentiles are of each query's least time, so that
they are those of a quiet machine, and the processor time is the mean of all.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ragops.answers.retrieval.context import pack
from ragops.answers.retrieval.pipeline import Found, retrieve
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.publish import IndexSource, PublishReport, publish
from ragops.corpus.index.passages import Entry
from ragops.corpus.index.reading.reader import IndexReader
from tests.support.locks import lock_of

ROWS, DIMENSION, WORDS_A_ROW, QUERIES, HITS = 100_000, 384, 100, 300, 50
REPEATS = 3
INTRINSIC_DIMENSION = 32
# Those of usecase.yml.
SETTINGS = RetrievalSettings(fusion="weighted", dense_weight=0.6, candidates=HITS, k=12, duplicates=0.9, neighbours=1)


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    rows: Annotated[int, typer.Option(help="Number of passages to index.")] = ROWS,
) -> dict[str, float]:
    """Milliseconds of a search (without the model), seconds of a publish; random vectors, 600-character texts."""
    rng = np.random.default_rng(0)
    stored = {entry.chunk_id: entry for entry in _entries(rng, 0, rows)}
    with tempfile.TemporaryDirectory() as folder:
        root, work = Path(folder) / "index", Path(folder) / "work"
        figures = {"build_s": _timed(lambda: _publish(root, work, stored))}
        for chunk_id in list(stored)[: rows // 100]:
            del stored[chunk_id]
        stored |= {entry.chunk_id: entry for entry in _entries(rng, rows, rows // 100)}
        figures["change_1_percent_s"] = _timed(lambda: _publish(root, work, stored))
        figures["nothing_to_do_s"] = _timed(lambda: _publish(root, work, stored))
        readers = Path(folder) / "readers"
        figures["first_open_s"] = _timed(lambda: IndexReader(root, readers).close())
        reader = IndexReader(root, readers)
        figures |= _search(reader, rng)
        reader.close()
    figures["rows"] = rows
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def _search(reader: IndexReader, rng: np.random.Generator) -> dict[str, float]:
    vectors = _unit_vectors(rng, QUERIES)
    texts = [" ".join(_words(rng, 10)) for _ in range(QUERIES)]

    def search(vector: np.ndarray, text: str) -> list[Found]:
        return retrieve(reader.generation(), text, vector, SETTINGS, ())

    def context(vector: np.ndarray, text: str) -> None:
        packed = pack(search(vector, text), reader.generation().neighbors, _count_words, SETTINGS)
        assert any(len(source.passages) > 1 for source in packed.sources)

    kinds: dict[str, Callable[[np.ndarray, str], object]] = {
        "dense": lambda vector, text: reader.dense(vector, HITS),
        "lexical": lambda vector, text: reader.lexical(text, HITS),
        "search": search,
        "context": context,
    }
    figures: dict[str, float] = {}
    for kind, timed in kinds.items():
        began = time.process_time()
        times = [
            [_timed(partial(timed, v, t)) * 1000 for v, t in zip(vectors, texts, strict=True)] for _ in range(REPEATS)
        ]
        figures[f"{kind}_cpu_ms"] = (time.process_time() - began) * 1000 / (REPEATS * QUERIES)
        figures |= {f"{kind}_p{p}_ms": float(np.percentile(np.min(times, axis=0), p)) for p in (50, 95)}
    return figures


def _publish(root: Path, work: Path, rows: dict[str, Entry]) -> PublishReport:
    wanted = {chunk_id: entry.row_hash for chunk_id, entry in rows.items()}

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        for start in range(0, len(ids), 2000):
            yield [rows[chunk_id] for chunk_id in ids[start : start + 2000]]

    model = IndexedModel(fingerprint="ab" * 32, name="random", dimension=DIMENSION)
    version = hashlib.sha256(json.dumps(sorted(wanted.items())).encode()).hexdigest()
    source = IndexSource(model, version, lambda: wanted, fetch)
    return publish(root, source, lock=lock_of(root), run_id="bench", work_directory=work)


def _entries(rng: np.random.Generator, first: int, count: int) -> Iterator[Entry]:
    for number, vector in enumerate(_unit_vectors(rng, count), start=first):
        text = " ".join(_words(rng, WORDS_A_ROW))
        yield Entry(
            chunk_id=hashlib.sha256(str(number).encode()).hexdigest(),
            doc_id=f"document-{number // 20}",
            text=text,
            heading_path=("Chapter", f"Section {number % 20 // 5}"),
            title=f"Document {number // 20}",
            path=f"documents/{number // 20}.md",
            page=1 + number % 20,
            ordinal=number % 20,
            text_hash=hashlib.sha256(text.encode()).hexdigest(),
            vector=vector,
        )


def _count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _unit_vectors(rng: np.random.Generator, count: int) -> np.ndarray:
    """As uneven as those of texts: of independent numbers, an HNSW graph of 100,000 does not find one in eight."""
    directions = np.random.default_rng(1).standard_normal((INTRINSIC_DIMENSION, DIMENSION)).astype(np.float32)
    vectors = rng.standard_normal((count, INTRINSIC_DIMENSION)).astype(np.float32) @ directions
    vectors += rng.standard_normal((count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _words(rng: np.random.Generator, count: int) -> list[str]:
    """Words with the frequencies of a language (Zipf), six characters each."""
    ranks = np.minimum(rng.zipf(1.2, count), 50_000)
    return [f"w{rank:05d}" for rank in ranks]


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
