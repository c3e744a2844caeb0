"""A Spark application on a cluster of one node with four simulated GPUs: `python gpu_job.py CONF_JSON LOG_FOLDER`."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from recording import RecordingSource

from ragops.corpus.embeddings.udf import embed_udf

PARTITIONS = 16
ROUNDS = 3

builder = SparkSession.builder.master("local-cluster[1,4,1024]")
for key, value in json.loads(sys.argv[1]).items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
embed = embed_udf(RecordingSource(Path(sys.argv[2])))
for _ in range(ROUNDS):
    texts = spark.range(0, 100, 1, PARTITIONS).selectExpr("id", "cast(id AS string) AS text")
    rows = texts.select("id", embed("text").alias("vector")).collect()
    wrong = [row for row in rows if row.vector != [len(str(row.id))]]
    assert len(rows) == 100 and not wrong, wrong
spark.stop()
