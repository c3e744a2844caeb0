"""The job prototype's parameters: text from the command line is validated, or refused in one line."""

from pathlib import Path

import pytest
import yaml

from ragops.errors import UserError
from ragops.jobs.prototype import PrototypeParameters, check_prototype, first_variant, variants
from ragops.quality.evaluation.variants import Variant

ROOT = Path(__file__).parents[3]
USE_CASE = ROOT / "usecase.yml"


def given(**changed: str) -> dict[str, str]:
    result = {"catalog": "spark_catalog", "schema": "rag", "usecase": str(USE_CASE), "experiment": "/Users/me/quality"}
    return result | {"llm": "quotes", "prompt": "", "fusion": "", "questions": "Why?", "sample": "24"} | changed


def test_the_jobs_defaults_are_valid_and_include_an_unanswerable_question() -> None:
    job = yaml.safe_load((ROOT / "resources/prototype.job.yml").read_text())["resources"]["jobs"]["prototype"]
    own = {one["name"]: one["default"] for one in job["parameters"] if "${" not in one["default"]}
    check_prototype(given(**own))
    questions = PrototypeParameters.read(given(**own)).questions
    assert len(questions) >= 3 and questions[-1].endswith("espresso?")


def test_names_and_questions_are_split() -> None:
    result = given(llm="smollm2, quotes", prompt="brief,cite", fusion=",dense", questions="One?\nTwo? | Three?\n")
    parameters = PrototypeParameters.read(result)
    assert (parameters.llm, parameters.prompt, parameters.fusion) == (
        ("smollm2", "quotes"),
        ("brief", "cite"),
        ("dense",),
    )
    assert parameters.questions == ("One?", "Two?", "Three?")


def test_the_first_of_each_answers_and_all_are_compared_with_the_use_case() -> None:
    parameters = PrototypeParameters.read(given(llm="quotes,smollm2", prompt="brief", fusion="dense"))
    own = Variant("cite_or_abstain", "quotes", "weighted")
    assert first_variant(parameters) == Variant("brief", "quotes", "dense")
    assert variants(parameters) == [own, Variant("brief", "quotes", "dense"), Variant("brief", "smollm2", "dense")]


def test_every_fusion_is_compared_by_default() -> None:
    parameters = PrototypeParameters.read(given(llm=""))
    assert first_variant(parameters) == Variant("cite_or_abstain", "served", "weighted") == variants(parameters)[0]
    assert sorted(one.fusion for one in variants(parameters)) == ["dense", "lexical", "reciprocal_rank", "weighted"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("llm", "gpt", "parameter llm: model gpt: .*served, smollm2, quotes"),
        ("llm", "quotes,gpt", "model gpt"),
        ("prompt", "breif", "parameter prompt: .*did you mean brief"),
        ("prompt", "haiku", "brief, cite"),
        ("prompt", "standalone_question", "its task is rewrite"),
        ("fusion", "dens", "no fusion dens; use dense, lexical, reciprocal_rank, weighted"),
        ("questions", " | \n", "parameter questions"),
        ("questions", "a\x00b", "parameter questions: .*control characters"),
        ("sample", "many", "sample is 'many'"),
        ("sample", "1", "sample is '1'"),
        ("experiment", "quality", "experiment is 'quality'"),
        ("question", "x", "did you mean questions"),
        ("usecase", "/nowhere.yml", "cannot read"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_starts(name: str, value: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        check_prototype(given(**{name: value}))
    assert "\n" not in str(refused.value)


def test_a_use_case_without_questions_is_refused(tmp_path: Path) -> None:
    use_case = tmp_path / "usecase.yml"
    use_case.write_text(USE_CASE.read_text().replace("questions: sample", "questions: null"))
    with pytest.raises(UserError, match="evaluation.questions: the use case names none"):
        check_prototype(given(usecase=str(use_case)))
