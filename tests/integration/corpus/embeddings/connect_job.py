"""A Spark Connect client and its server: `python connect_job.py LOG_FOLDER` embeds 1,000 texts and uses them twice."""

import sys
from pathlib import Path

from counting import CountingSource
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ragops.corpus.embeddings.udf import embed_udf

spark = SparkSession.builder.remote("local[2]").getOrCreate()
embed = embed_udf(CountingSource(Path(sys.argv[1])))
texts = spark.range(0, 1000, 1, 3).selectExpr("id", "concat('text ', id) AS text")
vectors = texts.select("id", embed("text").alias("vector"))
# A filter on the vector: of a deterministic function Spark would make two evaluations.
rows = vectors.where(F.size("vector") == 2).collect()
wrong = [row for row in rows if row.vector != [len(f"text {row.id}"), 1]]
assert len(rows) == 1000 and not wrong, wrong
assert vectors.schema["vector"].dataType.simpleString() == "array<float>"
spark.stop()
