"""The parameters of the job prototype."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, get_args

from pydantic import Field, field_validator

from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.answers.retrieval.settings import Fusion
from ragops.answers.retrieval.validate import check_question
from ragops.errors import UserError
from ragops.jobs.parameters import JobParameters
from ragops.quality.questions import Question, evaluation_questions

if TYPE_CHECKING:
    from ragops.quality.evaluation.variants import Chains, Variant

_NAMES = re.compile(r"[\s,]+")
_FUSIONS = get_args(Fusion)


class PrototypeParameters(JobParameters):
    """Parameters of the job prototype, as resources/prototype.job.yml declares them.

    `llm`, `prompt` and `fusion` name what to try, by default usecase.yml's: the first of each answers `questions`; all
    their combinations are compared. `sample` is how many evaluation questions each is asked, `experiment` where MLflow
    keeps what came out.
    """

    job: ClassVar[str] = "prototype"

    experiment: str = Field(pattern="^/")
    llm: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    fusion: tuple[Fusion, ...] = ()
    questions: tuple[str, ...] = Field(min_length=1)
    sample: int = Field(default=24, ge=2, le=10_000)

    @field_validator("llm", "prompt", "fusion", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return [name for name in _NAMES.split(given) if name] if isinstance(given, str) else given

    @field_validator("fusion", mode="before")
    @classmethod
    def _is_a_fusion(cls, given: object) -> object:
        names = _NAMES.split(given) if isinstance(given, str) else given
        for name in names if isinstance(names, list | tuple) else ():
            if name and name not in _FUSIONS:
                raise ValueError(f"there is no fusion {name}; use {', '.join(_FUSIONS)}, or nothing for the use case's")
        return given

    @field_validator("questions", mode="before")
    @classmethod
    def _separate(cls, given: object) -> object:
        asked = [text.strip() for text in re.split(r"[\n|]", given)] if isinstance(given, str) else given
        return [text for text in asked if text] if isinstance(asked, list) else asked

    @cached_property
    def templates(self) -> dict[str, Template]:
        """The use case's prompt templates by name."""
        return load_templates(self.use_case.prompts, self.workspace.path(self.usecase).parent)

    def own(self) -> Variant:
        """What the use case has chosen, with the first model named here: the one that others are compared with."""
        from ragops.quality.evaluation.variants import Variant

        chosen = Variant.of_use_case(self.use_case)
        return Variant(chosen.prompt, self.llm[0] if self.llm else chosen.llm, chosen.fusion)

    def asked(self) -> Variant:
        """What answers the questions: the first of each that is named."""
        from ragops.quality.evaluation.variants import Variant

        own = self.own()
        return Variant((*self.prompt, own.prompt)[0], own.llm, (*self.fusion, own.fusion)[0])

    def variants(self) -> list[Variant]:
        """What is compared: the use case's choice first; with every other fusion where nothing else is named."""
        from ragops.quality.evaluation.variants import grid

        found = grid(self.own(), self.prompt, self.llm, self.fusion)
        return found if len(found) > 1 else grid(self.own(), fusions=_FUSIONS)

    def chains(self) -> Chains:
        """What opens them in this place.

        Raises:
            UserError: a model is not to be had here, or there is no index.
        """
        from ragops.assembly import Locations
        from ragops.quality.evaluation.variants import Chains

        return Chains(self.use_case, self.templates, Locations.of(self.workspace))

    def evaluation(self) -> list[Question]:
        """Some of the use case's evaluation questions. Raises UserError when it has none."""
        from ragops.quality.evaluation.comparison import questions_to_try

        return questions_to_try(evaluation_questions(self.use_case), self.sample)


def check_prototype(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job prototype before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = PrototypeParameters.read(given)
    for name, check, values in (
        ("llm", parameters.use_case.models.named, parameters.llm),
        ("prompt", lambda prompt: find(parameters.templates, prompt, "answer"), parameters.prompt),
        ("questions", check_question, parameters.questions),
    ):
        try:
            for value in values:
                check(value)
        except UserError as error:
            raise UserError(f"parameter {name}: {error}") from error
    parameters.evaluation()
