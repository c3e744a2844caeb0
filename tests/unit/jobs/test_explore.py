"""The job explore's parameters: text from the command line is validated, or refused in one line."""

from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.jobs.explore import ExploreParameters, check_explore, chunk_sizes_to_try

USE_CASE = Path(__file__).parents[3] / "usecase.yml"


def given(**changed: str) -> dict[str, str]:
    return {
        "catalog": "spark_catalog",
        "schema": "rag",
        "usecase": str(USE_CASE),
        "reports": "/Volumes/a/b/c",
    } | changed


def test_defaults_match_the_job() -> None:
    parameters = ExploreParameters.read(given())
    assert (parameters.sample, parameters.chunk_sizes, parameters.questions) == (200, (64, 128, 400), "")
    assert 200 in [sizes.max_tokens for sizes in chunk_sizes_to_try(parameters)]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sample", "many", "sample is 'many'"),
        ("sample", "0", "sample is '0'"),
        ("chunk_sizes", "64 four", "chunk_sizes"),
        ("chunk_sizes", "4", "from 16 to 8192"),
        ("reports", "here", "absolute path"),
        ("questions", "table:", "table:NAME"),
        ("questions", "table:a.b.c.d", "table:NAME"),
        ("questions", "table:a; DROP", "table:NAME"),
        ("questions", "/nowhere.jsonl", "cannot read"),
        ("question", "x", "did you mean questions"),
        ("schema", "a b", "letters, digits and underscores"),
        ("catalog", "elsewhere", "no such catalog"),
        ("usecase", "/nowhere.yml", "cannot read"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_starts(name: str, value: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        check_explore(given(**{name: value}))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["feedback", "rag.feedback", "main.rag.feedback"])
def test_a_table_is_not_checked_before_spark_starts(name: str) -> None:
    check_explore(given(questions=f"table:{name}"))
