"""Leakage: an evaluation question that a model is shown, with its answer, measures memory instead of answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import load_templates
from ragops.errors import UserError
from ragops.quality.datasets.question_set import QuestionSet, open_set
from ragops.quality.datasets.wordings import Wordings
from ragops.quality.questions import Question
from ragops.text import one_line
from ragops.usecase import UseCase

_SHOWN = 60  # characters of a question


class Shown(NamedTuple):
    """A question that models are shown as an example, and where: "prompt template cite_by_example, example 2"."""

    where: str
    question: str


def measured_set(use_case: UseCase, shown: Iterable[Shown] = ()) -> QuestionSet:
    """The use case's questions for an evaluation: none of them is an example in a prompt template of the use case.

    Args:
        use_case: names questions and templates.
        shown: further examples, such as those of judges.

    Raises:
        UserError: as `open_set` and `refuse_leaks`, or a template is invalid.
    """
    found = open_set(use_case)
    if found.questions:
        templates = load_templates(use_case.prompts, use_case.folder)
        refuse_leaks(found.questions, [*examples_of(templates.values()), *shown])
    return found


def evaluation_questions(use_case: UseCase) -> list[Question]:
    """The use case's questions without those to be reviewed; an empty list if it names none.

    Raises:
        UserError: the set does not exist or is invalid, all of its questions are still to be reviewed, or one of
            them is an example in a prompt template.

    Example:
        >>> from ragops import evaluation_questions, load_usecase
        >>> questions = evaluation_questions(load_usecase())
        >>> len(questions), sum(question.answerable for question in questions)
        (304, 274)
    """
    return list(measured_set(use_case).questions)


def examples_of(templates: Iterable[Template]) -> Iterator[Shown]:
    """The examples in prompt templates, of answers and of judges."""
    for template in templates:
        for number, example in enumerate(template.examples, start=1):
            yield Shown(f"prompt template {template.name}, example {number}", example.question)


def refuse_leaks(questions: Iterable[Question], shown: Iterable[Shown]) -> None:
    """Refuses a question that equals an example, or nearly: in its words, whatever their case and punctuation.

    Raises:
        UserError: names both.
    """
    known = Wordings(shown)
    for one in questions:
        if found := known.near(one.question):
            where, text = found
            raise UserError(
                f"evaluation.questions: {one.question_id} ({one_line(one.question, _SHOWN)!r}) is nearly the same as "
                f"{where} ({one_line(text, _SHOWN)!r}), so a model is shown what it is measured on; replace one of them"
            )
