"""The parameters of the job release, and what its notebooks make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, ValidationError, field_validator

from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs.parameters import JobParameters
from ragops.platform.credentials import workspace_client
from ragops.platform.mlflow_store import open_experiment
from ragops.quality.evaluation.answers import sampled
from ragops.quality.questions import Question, evaluation_questions
from ragops.serving.endpoint.principal import CLIENT_ID, CLIENT_SECRET, check_rights, find_identity
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import Logged
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import Registered
    from ragops.releases.registry import ChainRegistry, StoredAnswers

CHAIN = "chain"
"""The registered model, one in each schema; the first release makes it."""


class ReleaseParameters(JobParameters):
    """Parameters of the job release, as resources/release.job.yml declares them.

    `llm` is the model that answers, by its name in usecase.yml, "" for the primary one; `pin` puts the live index
    generation into the model instead of following the pointer; `questions` are so many of the evaluation set, two or
    more, 0 for as many as the use case says; `run_id` is the run in which the chain was logged, "" for the newest one;
    `endpoint` is the serving endpoint that follows the champion, "" for none; `managers` may change it and `callers`
    ask it: groups, people's addresses and application ids, separated by commas.
    """

    job: ClassVar[str] = "release"

    experiment: str
    llm: str = ""
    pin: bool = False
    questions: int = Field(default=0, ge=0)
    run_id: str = ""
    endpoint: str = ""
    managers: str = ""
    callers: str = ""

    @field_validator("questions")
    @classmethod
    def _of_both_kinds(cls, count: int) -> int:
        if count == 1:
            raise ValueError("give 2 or more, to ask for both kinds, or 0 for as many as the use case says")
        return count

    @field_validator("endpoint")
    @classmethod
    def _can_be_made(cls, name: str) -> str:
        if name:
            try:
                EndpointSettings(name=name)
            except ValidationError as error:
                raise ValueError(str(error.errors()[0]["msg"])) from error
        return name

    @cached_property
    def chain_use_case(self) -> UseCase:
        """The use case with the model that these parameters choose. Raises UserError when there is no such model."""
        return self.use_case.model_copy(update={"models": self.use_case.models.with_primary(self.llm)})

    @cached_property
    def templates(self) -> dict[str, Template]:
        """The use case's prompts."""
        return load_templates(self.use_case.prompts, self.workspace.path(self.usecase).parent)

    @cached_property
    def experiment_id(self) -> str:
        """MLflow's, made if it is not there."""
        return open_experiment(self.experiment)

    @property
    def generation(self) -> str:
        """The live index generation. Raises UserError when there is no index."""
        return PublishedIndex(index_root(self.workspace)).pointer().generation

    def configuration(self) -> ChainConfiguration:
        """The chain to log: the use case's two prompts go along, and no others."""
        prompts = self.use_case.prompts
        chosen = (find(self.templates, prompts.answer, "answer"), find(self.templates, prompts.rewrite, "rewrite"))
        return ChainConfiguration(
            catalog=self.catalog,
            schema_name=self.schema_name,
            use_case=self.chain_use_case,
            templates={one.name: one for one in chosen},
            pinned=self.generation if self.pin else None,
        )

    def registered_prompts(self, note: Callable[[str], None] = print) -> list[Registered]:
        """The chain's prompts in MLflow's registry, registered there if they are new.

        None where the registry is switched off, which `note` hears: the chain has its prompts inside, whatever is
        registered.
        """
        from mlflow import MlflowClient

        from ragops.answers.prompts.registry import PromptRegistry, SwitchedOff

        _ = self.experiment_id
        registry = PromptRegistry(MlflowClient(), self.workspace.registered)
        try:
            return [registry.register(template) for template in self.configuration().templates.values()]
        except SwitchedOff as error:
            note(f"{error}. The release goes on without versions of its prompts")
            return []

    def asked(self) -> list[Question]:
        """The questions to judge by.

        Raises:
            UserError: the use case names none.
        """
        known = evaluation_questions(self.use_case)
        if not known:
            raise UserError("evaluation.questions: the use case names none, and nothing is released unseen; give some")
        return sampled(known, self.questions or self.use_case.release.questions)

    def logged(self) -> Logged:
        """The chain that the run logged.

        Raises:
            UserError: there is no such run, or it logged no chain.
        """
        from ragops.releases.registry import find_logged

        return find_logged(self.experiment_id, self.run_id)

    def registry(self) -> ChainRegistry:
        """The chain's versions."""
        from mlflow import MlflowClient

        from ragops.releases.registry import ChainRegistry

        _ = self.experiment_id
        return ChainRegistry(MlflowClient(), self.workspace.registered(CHAIN))

    def endpoint_settings(self, note: Callable[[str], None] = print) -> EndpointSettings | None:
        """Of the endpoint, with the service principal that reads volumes for it; None where none is wanted.

        Asks for every right that the principal needs, so that nothing has moved where one is missing; `note` hears of
        those that could not be asked for.

        Raises:
            UserError: the chain follows the index, and the scope holds no principal's secrets; or as `check_rights`.
        """
        if not self.endpoint:
            return None
        variables = {"ENABLE_MLFLOW_TRACING": "true", "MLFLOW_EXPERIMENT_ID": self.experiment_id}
        if found := find_identity(self.workspace, workspace_client().config.host):
            check_rights(found, self.configuration(), self.endpoint, self.experiment_id, note)
            variables |= found.variables
        elif not self.logged().pinned:
            raise UserError(
                f"serving endpoint {self.endpoint}: its container reads the index as a service principal; put its id "
                f"and an OAuth secret of it into scope {self.workspace.secret_scope}, as {CLIENT_ID} and "
                f"{CLIENT_SECRET}, or release with pin=true"
            )
        managers, callers = _named(self.managers), _named(self.callers)
        return EndpointSettings(name=self.endpoint, environment_vars=variables, managers=managers, callers=callers)

    def judged(self, questions: list[Question]) -> StoredAnswers:
        """Where answers to these questions are kept."""
        from mlflow import MlflowClient

        from ragops.releases.registry import StoredAnswers

        _ = self.experiment_id
        return StoredAnswers(MlflowClient(), [one.question_id for one in questions], self.generation)


def _named(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def check_release(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job release, and one without an index, before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = ReleaseParameters.read(given)
    _ = parameters.configuration(), parameters.asked(), parameters.generation
