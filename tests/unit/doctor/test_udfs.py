"""Whether child processes count is an answer either way; any other failure is none."""

import pytest
from pyspark.sql import SparkSession

from ragops.doctor import udfs

SPARK = object.__new__(SparkSession)


def failing(reason: str) -> str:
    raise RuntimeError(reason)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lambda spark: "a child process held 1,536 MiB", "not counted: a child process held 1,536 MiB"),
        (
            lambda spark: failing("[UDF_PYSPARK_USER_CODE_ERROR.MEMORY_LIMIT_SERVERLESS] 1024 megabytes"),
            "counted: [UDF_PYSPARK_USER_CODE_ERROR.MEMORY_LIMIT_SERVERLESS] 1024 megabytes",
        ),
    ],
)
def test_a_limit_that_is_met_says_that_children_count(
    monkeypatch: pytest.MonkeyPatch, found: object, said: str
) -> None:
    monkeypatch.setattr(udfs, "beyond_the_limit", found)
    assert udfs.memory_of_children(SPARK) == said


def test_another_failure_says_nothing_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udfs, "beyond_the_limit", lambda spark: failing("the sandbox did not start"))
    with pytest.raises(RuntimeError, match="sandbox"):
        udfs.memory_of_children(SPARK)
