"""The parameters of the job evaluate, and the judge that it and the release choose."""

from pathlib import Path

import pytest
import yaml

from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs.evaluate import EvaluateJobParameters, check_evaluate, questions_to_ask
from ragops.platform.workspace import Workspace

ROOT = Path(__file__).parents[3]


def given(**changed: str) -> dict[str, str]:
    own = {"catalog": "spark_catalog", "schema": "rag", "usecase": str(ROOT / "usecase.yml"), "experiment": "quality"}
    return own | {"llm": "quotes", "judge": "", "questions": "0", "models": ""} | changed


def test_the_job_passes_what_the_check_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = yaml.safe_load((ROOT / "resources/evaluate.job.yml").read_text())["resources"]["jobs"]["evaluate"]
    assert {one["name"] for one in job["parameters"]} == given().keys()
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"no index at {tmp_path}/"):
        check_evaluate(given())
    index = index_root(Workspace("spark_catalog", "rag"))
    PublishedIndex(index).write_pointer(Pointer(generation="000001-aaaaaaaa", fingerprint="f"))
    check_evaluate(given())


@pytest.mark.parametrize(("judge", "chosen"), [("", "judge"), ("smollm2", "smollm2"), ("none", None)])
def test_the_judge_is_the_use_case_s_unless_another_or_none_is_chosen(judge: str, chosen: str | None) -> None:
    assert EvaluateJobParameters.read(given(judge=judge)).chosen.evaluation.judge == chosen


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"judge": "nobody"}, "parameter judge: evaluation.judge: nobody is not in models.known"),
        ({"judge": "quotes", "llm": "smollm2"}, "parameter judge: evaluation.judge: quotes only quotes"),
        (
            {"judge": "smollm2", "llm": "smollm2"},
            "parameter judge: evaluation.judge: smollm2 is the model that answers",
        ),
        ({"llm": "judge"}, "evaluation.judge: judge is the model that answers"),
        ({"llm": "nobody"}, "model nobody: not in usecase.yml"),
        ({"questions": "-1"}, "parameter questions is '-1'"),
        ({"sample": "3"}, "parameter sample"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(changed: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        check_evaluate(given(**changed))
    assert str(raised.value).startswith(said) and "\n" not in str(raised.value)


def test_as_many_questions_are_asked_as_a_release_asks() -> None:
    assert len(questions_to_ask(EvaluateJobParameters.read(given()))) == 60
    assert len(questions_to_ask(EvaluateJobParameters.read(given(questions="7")))) == 7
