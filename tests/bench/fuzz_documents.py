"""Fuzzes the pool of parsers with 2,000 documents: random bytes and mutated real files.

Run `python tests/bench/fuzz_documents.py`; it prints the counts and, with `--json FILE`, writes them. `crashed` counts
exceptions that leave the pool, `orphans` processes left behind: both must be 0, else the exit code is 1. Failures of a
child (time, memory, a crash in C) are counted among the quarantined, by reason.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import psutil
import typer
from openpyxl import Workbook
from pptx import Presentation

from ragops.corpus.documents.landing import list_files
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import ParsedDocument
from ragops.corpus.documents.sandbox import Failure, ParserPool
from ragops.corpus.documents.sniffing import FORMATS
from ragops.demo.corpus import write_corpus

DOCUMENTS = 2_000
SEED = 20_240_501
NOISE_SHARE = 0.2
LARGEST_PICTURE = 20_000  # bytes: OCR of a whole page takes seconds and tests nothing more
LIMITS = ParseLimits(timeout_s=20)

Mutation = Callable[[random.Random, bytes, bytes], bytes]


def flip_bits(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Flips 1 to 64 bits."""
    flipped = bytearray(data)
    for _ in range(rng.choice((1, 4, 16, 64))):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def truncate(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Truncates the data."""
    return data[: rng.randrange(len(data))]


def splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Continues with a part of another file."""
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def repeat(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Repeats a part of up to 4 KiB up to 200 times."""
    start = rng.randrange(len(data))
    return data[:start] + data[start : start + rng.randrange(1, 4_096)] * rng.randrange(2, 200) + data[start:]


def delete(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Removes a part of up to 1 KiB."""
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 1_024) :]


MUTATIONS: tuple[Mutation, ...] = (flip_bits, truncate, splice, repeat, delete)


def real_files(folder: Path) -> list[Path]:
    """Small real files of every format."""
    write_corpus(folder)
    workbook, slides = Workbook(), Presentation()
    for row in range(50):
        workbook.active.append([row, f"text {row}", row / 7])
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = f"Slide {row}"
    workbook.save(folder / "book.xlsx")
    slides.save(str(folder / "slides.pptx"))
    files = [folder / file.path for file in list_files(folder)]
    return [file for file in files if file.suffix != ".png" or file.stat().st_size <= LARGEST_PICTURE]


def documents(folder: Path, count: int, rng: random.Random) -> Iterator[Path]:
    """Writes `count` documents, lazily; formats in equal numbers."""
    by_suffix: dict[str, list[Path]] = {}
    for file in real_files(folder / "real"):
        by_suffix.setdefault(file.suffix, []).append(file)
    everything = [file for files in by_suffix.values() for file in files]
    for number in range(count):
        if rng.random() < NOISE_SHARE:
            suffix, data = rng.choice(sorted(FORMATS)), noise(rng)
        else:
            suffix = rng.choice(sorted(by_suffix))
            data = rng.choice(by_suffix[suffix]).read_bytes()
            for _ in range(rng.choice((1, 1, 2, 3))):
                data = rng.choice(MUTATIONS)(rng, data or b"\0", rng.choice(everything).read_bytes())
        path = folder / f"{number}{suffix}"
        path.write_bytes(data)
        yield path


def noise(rng: random.Random) -> bytes:
    """Random bytes, sometimes after the first bytes of a format."""
    magic = rng.choice(
        (b"", b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"PK\x03\x04", b"GIF89a")
    )
    return magic + rng.randbytes(rng.randrange(0, 20_000))


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    count: Annotated[int, typer.Option("--documents")] = DOCUMENTS,
) -> dict[str, object]:
    """Prints and returns {documents, parsed, quarantined by reason, crashed, orphans, slowest_s, seconds}."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    counts: Counter[str] = Counter()
    crashed, slowest, start = 0, 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ParserPool(LIMITS) as pool:
        for path in documents(Path(folder), count, random.Random(SEED)):
            began = time.perf_counter()
            try:
                counts[reason(pool.parse(path))] += 1
            except Exception as error:
                crashed += 1
                print(f"crashed: {path.name}: {error!r}", file=sys.stderr)
            slowest = max(slowest, time.perf_counter() - began)
            path.unlink()
    result = {
        "documents": count,
        "parsed": counts.pop("", 0),
        "quarantined": dict(counts.most_common()),
        "crashed": crashed,
        "orphans": orphans(before),
        "slowest_s": round(slowest, 2),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result, indent=1))
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
    if result["crashed"] or result["orphans"]:
        raise SystemExit(1)
    return result


def reason(outcome: ParsedDocument | Failure) -> str:
    """The kind of a failure, '' for a parsed document."""
    return outcome.reason.split(":")[0] if isinstance(outcome, Failure) else ""


def orphans(before: set[int]) -> int:
    """Children that a closed pool has left, except the fork server and its tracker, which serve the next pool."""
    children = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    return sum(process.ppid() != psutil.Process().pid for process in children)


if __name__ == "__main__":
    typer.run(main)
