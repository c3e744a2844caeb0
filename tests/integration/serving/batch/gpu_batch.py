"""A batch on a cluster of one node with four simulated GPUs: `python gpu_batch.py CONF_JSON LOG_FOLDER`."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from recording_engine import open_recording

from ragops.answers.llms.types import Request
from ragops.serving.batch import cluster
from ragops.serving.batch.generate import spread
from ragops.serving.batch.tables import REPLIES
from ragops.serving.batch.workers import reply_batches, request_text

ROWS = 40
ROUNDS = 2

builder = SparkSession.builder.master("local-cluster[1,4,1024]")
for key, value in json.loads(sys.argv[1]).items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
gpus = spark.range(0, 4, 1, 4).mapInPandas(cluster._assigned, "host STRING, gpus STRING").distinct().count()
(Path(sys.argv[2]) / "gpus").write_text(str(gpus))
for _ in range(ROUNDS):
    requests = [(str(number), request_text(Request((), question=str(number)))) for number in range(ROWS)]
    rows = spark.createDataFrame(requests, "request_id STRING, request STRING")
    made = (
        spread(rows, ROWS, gpus).mapInPandas(reply_batches(open_recording(Path(sys.argv[2]))), REPLIES.schema).collect()
    )
    assert {(row.request_id, row.text) for row in made} == {(one, f"re: {one}") for one, _ in requests} and len(
        made
    ) == ROWS
spark.stop()
