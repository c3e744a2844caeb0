"""UDFs: what Spark's Python workers have, checked by one mapInPandas on one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.doctor import udf_worker
from ragops.doctor.findings import Finding, line, look
from ragops.platform.compute import has_spark, on_serverless
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FINDINGS = "what STRING, found STRING, state STRING, to_do STRING"
# More than the documented limit of a UDF on serverless compute, 1,024 MiB, which is not visible from inside.
_BEYOND_MIB = 1_536
Function = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]


def check_udfs(workspace: Workspace, landing: Path, model: EmbeddingModel, parses: bool) -> Iterator[Finding]:
    """Checks inside a UDF; on serverless also whether child processes count towards its memory.

    Args:
        workspace: its session runs the UDF.
        landing: the folder of documents.
        model: the embedding model; UDFs need its tokenizer.
        parses: whether UDFs have to parse documents here.
    """
    if not has_spark():
        yield Finding("UDFs", "no Spark session", "unknown", "run this without --no-spark")
        return
    asked = partial(udf_worker.look, landing=str(landing), model=model.model_dump_json(), parses=parses)
    for row in in_worker(workspace.spark, asked, _FINDINGS).itertuples(index=False):
        yield Finding(*row)
    if on_serverless():
        yield look("memory of children", lambda: memory_of_children(workspace.spark))


def memory_of_children(spark: SparkSession) -> str:
    """Whether the memory limit of a UDF counts its child processes."""
    try:
        return f"not counted: {beyond_the_limit(spark)}"
    except Exception as error:
        if "MEMORY_LIMIT" not in str(error):
            raise
        return f"counted: {line(error)}"


def beyond_the_limit(spark: SparkSession, mebibytes: int = _BEYOND_MIB) -> str:
    """Allocates more in a child of a UDF than a UDF may have. Raises Spark's error if that counts."""
    return str(in_worker(spark, partial(udf_worker.allocate, mebibytes=mebibytes), "found STRING")["found"][0])


def in_worker(spark: SparkSession, function: Function, schema: str) -> pd.DataFrame:
    """The output of a function of `udf_worker` in one of Spark's workers, sent there by value."""
    with _by_value():
        return spark.range(0, 1, 1, 1).mapInPandas(function, schema).toPandas()


@contextmanager
def _by_value() -> Iterator[None]:
    from pyspark import cloudpickle

    register: Callable[[ModuleType], None] = cloudpickle.register_pickle_by_value
    unregister: Callable[[ModuleType], None] = cloudpickle.unregister_pickle_by_value
    register(udf_worker)
    try:
        yield
    finally:
        unregister(udf_worker)
