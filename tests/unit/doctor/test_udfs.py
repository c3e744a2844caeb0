"""Whether child processes count towards a UDF's memory; other failures answer nothing."""

import pytest
from pyspark.sql import SparkSession

from ragops.doctor import udfs

SPARK = object.__new__(SparkSession)


def failing(reason: str) -> str:
    raise RuntimeError(reason)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda spark: "a child process allocated 1,536 MiB", "not counted: a child process allocated 1,536 MiB"),
        (
            lambda spark: failing("[UDF_PYSPARK_USER_CODE_ERROR.MEMORY_LIMIT_SERVERLESS] 1024 megabytes"),
            "counted: [UDF_PYSPARK_USER_CODE_ERROR.MEMORY_LIMIT_SERVERLESS] 1024 megabytes",
        ),
    ],
)
def test_an_exceeded_limit_means_that_children_count(
    monkeypatch: pytest.MonkeyPatch, found: object, expected: str
) -> None:
    monkeypatch.setattr(udfs, "beyond_the_limit", found)
    assert udfs.memory_of_children(SPARK) == expected


def test_another_failure_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udfs, "beyond_the_limit", lambda spark: failing("the sandbox did not start"))
    with pytest.raises(RuntimeError, match="sandbox"):
        udfs.memory_of_children(SPARK)
