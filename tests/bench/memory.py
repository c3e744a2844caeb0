"""Memory of reading documents, and of the functions that run in workers of serverless compute, which have 1 GB.

Run `python -m tests.bench.memory`; it prints the figures in MiB and, with `--json FILE`, writes them. Reading is
measured with all its processes (proportional set size, which counts shared memory once). Each function is measured in
its own process, which has imported what Spark's worker imports, on the largest batch that the stages allow.
"""

import importlib
import json
import multiprocessing
import resource
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated

import numpy as np
import pandas as pd
import psutil
import typer
from PIL import Image, ImageDraw

from ragops.corpus.chunks.splitter import ChunkSizes
from ragops.corpus.chunks.tokens import Counter, tokenizer_counter
from ragops.corpus.documents.landing import list_files
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.reading import Reader
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.demo.corpus import write_corpus
from ragops.exploration.chunk_sizes import measures as chunk_measures
from ragops.exploration.nearest import best_rows
from ragops.exploration.questions.kinds import MOST_QUESTIONS
from ragops.exploration.vocabulary import measures as word_measures
from ragops.usecase import load_usecase

MIB = 1024 * 1024
MOST_UDF_MIB = 1024
ARROW_BATCH = 10_000
PAGE = (9_000, 5_000)  # 45 megapixels
LOOK_S = 0.05


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> dict[str, float]:
    """Returns the peaks by name, and the limit of a function."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        sample, page = Path(folder) / "sample", Path(folder) / "page"
        write_corpus(sample)
        page.mkdir()
        write_page(page / "page.png")
        figures = {"reading the sample": of_reading(sample), "reading a 45-megapixel page": of_reading(page)}
    figures |= {f"worker: {case.__name__}": of_function(case) for case in CASES}
    figures["most in a worker"] = max(value for name, value in figures.items() if name.startswith("worker: "))
    figures = {name: round(value, 0) for name, value in figures.items()} | {"most_udf_mib": MOST_UDF_MIB}
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def write_page(path: Path) -> None:
    """A page full of small text."""
    image = Image.new("L", PAGE, 255)
    draw = ImageDraw.Draw(image)
    for top in range(100, PAGE[1] - 100, 240):
        draw.text((100, top), "The harbor opens at six in the morning. " * 12, fill=0, font_size=36)
    image.save(path)


def of_reading(landing: Path) -> float:
    """Peak memory of a process that reads all files one by one, with its children."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=read, args=(landing,))
    process.start()
    peak, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            peak[0] = max(peak[0], of_tree(process.pid or 0))

    looking = threading.Thread(target=look)
    looking.start()
    process.join()
    ended.set()
    looking.join()
    assert process.exitcode == 0
    return peak[0] / MIB


def read(landing: Path) -> None:
    files = list(list_files(landing))
    limits = ParseLimits(timeout_s=900)  # only memory is measured, and the machine may be busy
    rows = list(Reader(landing, limits, 2**40).read(files, 1))
    assert len(rows) == len(files) and not any(row is None or row["reason"] for row in rows), rows


def of_tree(process: int) -> float:
    """Bytes of a process and its children."""
    total = 0.0
    with suppress(psutil.Error):
        for one in [psutil.Process(process), *psutil.Process(process).children(recursive=True)]:
            with suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total


def text(length: int) -> str:
    whole = "\n\n".join(f"# {name}\n\n{topic}" for name, topic in topics.items())
    return (whole * (length // len(whole) + 1))[:length]


def counter() -> Counter:
    use_case = load_usecase(Path(__file__).parents[2] / "usecase.yml")
    return tokenizer_counter(tokenizer_file(use_case.embedding))


def count_words() -> None:
    texts = [text(word_measures.MOST_CHARACTERS + number) for number in range(word_measures.DOCUMENTS_A_BATCH)]
    drain(word_measures.count_words, pd.DataFrame({"markdown": texts}))


def rate_words() -> None:
    batch = pd.DataFrame({"word": [f"word{number}" for number in range(ARROW_BATCH)], "n": 1})
    drain(word_measures.rate_words("en", counter()), batch)


def split_documents() -> None:
    texts = [text(chunk_measures.LONGEST - number) for number in range(chunk_measures.DOCUMENTS_A_BATCH)]
    batch = pd.DataFrame({"doc_id": range(len(texts)), "title": "A title", "markdown": texts})
    drain(chunk_measures.split_at([ChunkSizes()], counter()), batch)


def search_vectors() -> None:
    chance = np.random.default_rng(0)
    rows = [chance.random(1024, np.float32) for _ in range(ARROW_BATCH)]
    batch = pd.DataFrame({"part": "all", "text_hash": range(ARROW_BATCH), "embedding": rows})
    drain(best_rows(chance.random((MOST_QUESTIONS, 1024), np.float32), 10), batch)


CASES: tuple[Callable[[], None], ...] = (count_words, rate_words, split_documents, search_vectors)


def drain(function: Callable[..., object], batch: pd.DataFrame) -> None:
    for _ in function(iter([batch])):  # type: ignore[attr-defined]
        pass


def of_function(case: Callable[[], None]) -> float:
    """Peak memory of a new process that imports what a Spark worker imports, and then runs the case."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peak_of, (case,))


def peak_of(case: Callable[[], None]) -> float:
    importlib.import_module("pyspark.worker")
    importlib.import_module("pyarrow")
    case()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    typer.run(main)
