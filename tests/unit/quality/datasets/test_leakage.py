"""A question that a model is shown as an example is not measured."""

from pathlib import Path

import pytest

from ragops.answers.prompts.template import Example
from ragops.answers.prompts.template_files import load_template, load_templates, save_template
from ragops.errors import UserError
from ragops.quality.datasets.leakage import Shown, evaluation_questions, examples_of, measured_set, refuse_leaks
from ragops.quality.questions import Question
from ragops.usecase import UseCase, load_usecase

ASKED = Question(question_id="q1", question="When are default values evaluated?", answer="At definition.")
USE_CASE = load_usecase(Path("usecase.yml"))
FEW_SHOT = Path("src/ragops/answers/prompts/templates/cite_by_example.yml")


def with_template(folder: Path, example: str) -> UseCase:
    """The use case with a few-shot template of its own that has this question as an example."""
    template = load_template(FEW_SHOT)
    shown = Example.model_validate(template.examples[0].model_dump() | {"question": example})
    save_template(template.model_copy(update={"name": "ours", "examples": (*template.examples, shown)}), folder)
    prompts = USE_CASE.prompts.model_copy(update={"templates": str(folder)})
    return USE_CASE.model_copy(update={"prompts": prompts})


@pytest.mark.parametrize(
    "example", [ASKED.question, "when are DEFAULT values evaluated", "When are the default values evaluated?"]
)
def test_an_equal_or_nearly_equal_example_is_refused_and_both_are_named(example: str) -> None:
    with pytest.raises(UserError) as raised:
        refuse_leaks([ASKED], [Shown("judge groundedness, case 7", example)])
    line = str(raised.value)
    assert "q1" in line and ASKED.question in line and "judge groundedness, case 7" in line and "\n" not in line


@pytest.mark.parametrize("example", ["When are annotations evaluated?", "Where do default values go?", "", "?"])
def test_another_question_does_not_leak(example: str) -> None:
    refuse_leaks([ASKED], [Shown("x", example)])


def test_the_demo_questions_are_in_no_template() -> None:
    templates = load_templates(USE_CASE.prompts, USE_CASE.folder)
    assert list(examples_of(templates.values())), "some template has examples"
    assert len(measured_set(USE_CASE).questions) == 304


def test_an_evaluation_checks_the_templates_of_the_use_case(tmp_path: Path) -> None:
    asked = evaluation_questions(USE_CASE)[5]
    with pytest.raises(UserError, match=f"{asked.question_id}.*prompt template ours, example 3"):
        evaluation_questions(with_template(tmp_path, f"  {asked.question.upper()} "))


def test_examples_of_judges_are_checked_too() -> None:
    asked = evaluation_questions(USE_CASE)[7]
    with pytest.raises(UserError, match=f"{asked.question_id}.*a judge's example"):
        measured_set(USE_CASE, [Shown("a judge's example", asked.question)])
