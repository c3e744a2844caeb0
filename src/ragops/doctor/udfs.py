"""UDFs: what Spark's workers have, asked in one mapInPandas of one row."""

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
# Documented for user code in a UDF of serverless compute, and not to be seen from inside: 1,024 MiB.
_BEYOND_MIB = 1_536
Function = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]


def check_udfs(workspace: Workspace, landing: Path, model: EmbeddingModel, parses: bool) -> Iterator[Finding]:
    """What a UDF finds; on serverless also whether child processes count towards its memory.

    Args:
        workspace: whose session runs it.
        landing: the folder of documents.
        model: whose tokenizer UDFs need.
        parses: whether UDFs parse documents here, and must be able to.
    """
    if not has_spark():
        yield Finding("UDFs", "no Spark session here", "unknown", "leave --no-spark out")
        return
    asked = partial(udf_worker.look, landing=str(landing), model=model.model_dump_json(), parses=parses)
    for row in in_worker(workspace.spark, asked, _FINDINGS).itertuples(index=False):
        yield Finding(*row)
    if on_serverless():
        yield look("memory of children", lambda: memory_of_children(workspace.spark))


def memory_of_children(spark: SparkSession) -> str:
    """Whether the limit of a UDF counts what its child processes take."""
    try:
        return f"not counted: {beyond_the_limit(spark)}"
    except Exception as error:
        if "MEMORY_LIMIT" not in str(error):
            raise
        return f"counted: {line(error)}"


def beyond_the_limit(spark: SparkSession, mebibytes: int = _BEYOND_MIB) -> str:
    """Has a child of a UDF take more than a UDF may have. Raises what Spark does where that is counted."""
    return str(in_worker(spark, partial(udf_worker.hold, mebibytes=mebibytes), "found STRING")["found"][0])


def in_worker(spark: SparkSession, function: Function, schema: str) -> pd.DataFrame:
    """What a function of `inside` yields in one of Spark's workers, to which it travels by value."""
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
