"""The parameters of the job prototype, and what its notebook builds from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, get_args

from pydantic import ConfigDict, Field, field_validator

from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.answers.retrieval.settings import Fusion
from ragops.answers.retrieval.validate import check_question
from ragops.errors import UserError
from ragops.jobs.parameters import EncoderParameters
from ragops.quality.datasets.leakage import evaluation_questions

if TYPE_CHECKING:
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.questions import Question

_NAMES = re.compile(r"[\s,]+")
_FUSIONS = get_args(Fusion)


class PrototypeParameters(EncoderParameters):
    """Parameters of the job prototype, as in resources/prototype.job.yml.

    The first model, prompt and fusion answer the questions; all their combinations are compared.
    """

    job: ClassVar[str] = "prototype"

    model_config = ConfigDict(extra="forbid")

    experiment: str = Field(pattern="^/", description="MLflow's experiment for traces, runs and figures")
    llm: tuple[str, ...] = Field(
        default=(), description="models to try, separated by commas; empty: the use case's (list: ragops models)"
    )
    prompt: tuple[str, ...] = Field(
        default=(),
        description="prompt templates to try, separated by commas; empty: the use case's (list: ragops prompts list)",
    )
    fusion: tuple[Fusion, ...] = Field(
        default=(), description="ways to combine both searches, separated by commas; empty: the use case's"
    )
    questions: tuple[str, ...] = Field(min_length=1, description="what to ask, separated by line breaks or |")
    sample: int = Field(
        default=24, ge=2, le=10_000, description="the number of evaluation questions that each variant is asked"
    )

    @field_validator("llm", "prompt", "fusion", mode="before")
    @classmethod
    def _split_names(cls, given: object) -> object:
        return [name for name in _NAMES.split(given) if name] if isinstance(given, str) else given

    @field_validator("fusion", mode="before")
    @classmethod
    def _known_fusion(cls, given: object) -> object:
        names = _NAMES.split(given) if isinstance(given, str) else given
        for name in names if isinstance(names, list | tuple) else ():
            if name and name not in _FUSIONS:
                raise ValueError(f"there is no fusion {name}; use {', '.join(_FUSIONS)}, or leave it empty")
        return given

    @field_validator("questions", mode="before")
    @classmethod
    def _split_questions(cls, given: object) -> object:
        asked = [text.strip() for text in re.split(r"[\n|]", given)] if isinstance(given, str) else given
        return [text for text in asked if text] if isinstance(asked, list) else asked

    @cached_property
    def templates(self) -> dict[str, Template]:
        """The use case's prompt templates by name."""
        return load_templates(self.use_case.prompts, self.use_case.folder)


def baseline(parameters: PrototypeParameters) -> Variant:
    """The use case's own choice with the first given model: the variant that others are compared with."""
    from ragops.quality.evaluation.variants import Variant

    chosen = Variant.of_use_case(parameters.use_case)
    return Variant(chosen.prompt, parameters.llm[0] if parameters.llm else chosen.llm, chosen.fusion)


def first_variant(parameters: PrototypeParameters) -> Variant:
    """The variant that answers the questions: the first given model, prompt and fusion."""
    from ragops.quality.evaluation.variants import Variant

    own = baseline(parameters)
    return Variant((*parameters.prompt, own.prompt)[0], own.llm, (*parameters.fusion, own.fusion)[0])


def variants(parameters: PrototypeParameters) -> list[Variant]:
    """The variants to compare, the baseline first; if nothing is given, the baseline with every fusion."""
    from ragops.quality.evaluation.variants import variant_grid

    own = baseline(parameters)
    found = variant_grid(own, parameters.prompt, parameters.llm, parameters.fusion)
    return found if len(found) > 1 else variant_grid(own, fusions=_FUSIONS)


def open_chains(parameters: PrototypeParameters) -> Chains:
    """An object that opens the variants' chains.

    Raises:
        UserError: a model is not available here, or there is no index.
    """
    from ragops.assembly import Locations
    from ragops.quality.evaluation.variants import Chains

    return Chains(parameters.use_case, parameters.templates, Locations.of(parameters.workspace))


def evaluation_sample(parameters: PrototypeParameters) -> list[Question]:
    """Some of the use case's evaluation questions. Raises UserError if it has none."""
    from ragops.quality.evaluation.comparison import questions_to_try

    return questions_to_try(evaluation_questions(parameters.use_case), parameters.sample)


def check_prototype(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job prototype before compute is started for it.

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
    evaluation_sample(parameters)
