"""The parameters of the job answer_batch."""

from pathlib import Path

import pytest
import yaml

from ragops.errors import UserError
from ragops.jobs.answer_batch import RetrieveParameters, check_answer_batch

GIVEN = {"catalog": "spark_catalog", "schema": "rag", "usecase": str(Path("usecase.yml").absolute()), "llm": "quotes"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def test_the_job_s_own_values_are_valid() -> None:
    job = yaml.safe_load(Path("resources/answer_batch.job.yml").read_text())["resources"]["jobs"]["answer_batch"]
    plain = {one["name"]: one["default"] for one in job["parameters"] if "$" not in one["default"]}
    check_answer_batch(plain | GIVEN)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"llm": "gpt"}, "parameter llm: model gpt"),
        ({"chain": "9"}, "parameter chain: model spark_catalog.rag.chain has no version 9"),
        ({"chain": "newest"}, "parameter chain is 'newest': give"),
        ({"chain": "0"}, "parameter chain is '0': give"),
        ({"chain": "working copy", "llm": "", "working_copy_llm": "gpt"}, "parameter llm: model gpt"),
        ({"output": "chunks"}, "parameter output is 'chunks': another job writes this table"),
        ({"output": "Embeddings_12"}, "another job writes"),
        ({"output": "a b"}, "letters, digits and underscores"),
        ({"questions": "a.b.c.d"}, "give TABLE, SCHEMA.TABLE or CATALOG.SCHEMA.TABLE"),
        ({"questions": "a`; DROP TABLE x"}, "give TABLE"),
        ({"questions": ""}, "give TABLE"),
        ({"limit": "-1"}, "parameter limit is '-1'"),
        ({"max_attempts": "0"}, "parameter max_attempts is '0'"),
        ({"dry_run": "perhaps"}, "parameter dry_run is 'perhaps'"),
        ({"question": "x"}, "did you mean questions?"),
    ],
)
def test_wrong_values_are_refused_in_one_line(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        check_answer_batch(GIVEN | wrong)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_laptop_has_no_vllm(tmp_path: Path) -> None:
    text = Path("usecase.yml").read_text()
    known = (
        "    - {name: big, provider: vllm_offline, source: /Volumes/a/b/c/m, context_tokens: 4096}\n    - name: quotes"
    )
    (tmp_path / "usecase.yml").write_text(text.replace("    - name: quotes", known, 1))
    with pytest.raises(UserError, match="parameter llm: model big runs on GPU clusters .vllm is not installed here"):
        check_answer_batch(GIVEN | {"usecase": str(tmp_path / "usecase.yml"), "llm": "big"})


def test_without_questions_the_use_case_s_own_are_asked() -> None:
    found = RetrieveParameters.read(GIVEN)
    assert (found.questions, found.output, found.limit, found.dry_run) == ("evaluation", "batch_answers", 0, False)
