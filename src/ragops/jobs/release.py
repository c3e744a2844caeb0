"""The parameters of the job release and its tasks, and what its notebooks build from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field, ValidationError, field_validator

from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs.judging import NONE, JudgeParameters
from ragops.jobs.parameters import EncoderParameters, TaskParameters, UseCaseParameters, listed
from ragops.platform.credentials import workspace_client
from ragops.platform.mlflow_store import open_experiment
from ragops.quality.datasets.leakage import evaluation_questions
from ragops.quality.datasets.question_set import version_of
from ragops.quality.evaluation.answers import sampled
from ragops.quality.questions import Question
from ragops.serving.endpoint.principal import CLIENT_ID, CLIENT_SECRET, check_rights, find_identity
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import Logged
from ragops.serving.model.registered import CHAIN
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import Registered
    from ragops.releases.changes import Index
    from ragops.releases.judging import Judging
    from ragops.releases.registry import ChainRegistry
    from ragops.releases.stored_results import StoredResults


class _ReleaseTask(UseCaseParameters):
    job: ClassVar[str] = "release"

    experiment: str = Field(description="MLflow's experiment for runs and traces")

    @cached_property
    def experiment_id(self) -> str:
        """The id of the experiment, which becomes MLflow's current one and is created if it does not exist."""
        return open_experiment(self.experiment)


class _ChosenModel(TaskParameters):
    llm: str = Field(default="", description="the language model that answers; empty: the use case's primary model")


class _LoggedChain(_ReleaseTask):
    run_id: str = Field(default="", description="the run that logged the chain; empty: the newest one")
    questions: int = Field(
        default=0, ge=0, description="the number of evaluation questions, at least 2; 0: as many as the use case says"
    )

    @field_validator("questions")
    @classmethod
    def _both_kinds(cls, count: int) -> int:
        if count == 1:
            raise ValueError("give 2 or more, to ask questions of both kinds, or 0 for as many as the use case says")
        return count


class RegisterParameters(EncoderParameters, _ReleaseTask, _ChosenModel):
    """Parameters of the task log."""

    pin: bool = Field(
        default=False,
        description="true puts the live index generation into the model; false makes it follow the live index",
    )


class EvaluateParameters(EncoderParameters, _LoggedChain, JudgeParameters):
    """Parameters of the task evaluate."""


class PromoteParameters(_LoggedChain, JudgeParameters, _ChosenModel):
    """Parameters of the task promote."""

    endpoint: str = Field(default="", description="the serving endpoint that follows the champion; empty: none")
    managers: str = Field(
        default="", description="who may change the endpoint: comma-separated groups, e-mail addresses, application ids"
    )
    callers: str = Field(
        default="", description="who may query the endpoint: comma-separated groups, e-mail addresses, application ids"
    )

    @field_validator("endpoint")
    @classmethod
    def _valid_name(cls, name: str) -> str:
        if name:
            try:
                EndpointSettings(name=name)
            except ValidationError as error:
                raise ValueError(str(error.errors()[0]["msg"])) from error
        return name


class ReleaseParameters(RegisterParameters, EvaluateParameters, PromoteParameters):
    """Parameters of the whole job, as in resources/release.job.yml."""

    model_config = ConfigDict(extra="forbid")


def chain_configuration(
    parameters: RegisterParameters | PromoteParameters, pinned: str | None = None
) -> ChainConfiguration:
    """The configuration of the chain, with the two prompts that its use case names.

    Args:
        parameters: Choose the language model.
        pinned: The index generation inside the model; None if the chain follows the live index.

    Raises:
        UserError: there is no such language model or prompt.
    """
    use_case = parameters.use_case
    models = use_case.models.with_primary(parameters.llm)
    return ChainConfiguration.of(parameters.workspace, use_case.model_copy(update={"models": models}), pinned)


def configuration_to_log(parameters: RegisterParameters) -> ChainConfiguration:
    """The configuration of the chain to log. Raises as `chain_configuration` and `live_generation`."""
    return chain_configuration(parameters, live_generation(parameters) if parameters.pin else None)


def live_generation(parameters: TaskParameters) -> str:
    """The live index generation. Raises UserError if there is no index."""
    return PublishedIndex(index_root(parameters.workspace)).pointer().generation


def live_index(parameters: TaskParameters) -> Index:
    """The live index generation and its size. Raises UserError if there is no index."""
    from ragops.releases.changes import Index

    published = PublishedIndex(index_root(parameters.workspace))
    generation = published.pointer().generation
    return Index(generation, published.manifest(generation).count)


def register_prompts(
    parameters: RegisterParameters, configuration: ChainConfiguration, note: Callable[[str], None] = print
) -> list[Registered]:
    """Registers those of the chain's prompts that are new in MLflow's registry; returns all of them.

    Where the registry is disabled the list is empty and `note` receives a line: the chain contains its prompts anyway.
    """
    from mlflow import MlflowClient

    from ragops.answers.prompts.registry import PromptRegistry, SwitchedOff

    _ = parameters.experiment_id
    registry = PromptRegistry(MlflowClient(), parameters.workspace.registered)
    try:
        return [registry.register(template) for template in configuration.templates.values()]
    except SwitchedOff as error:
        note(f"{error}. The release continues without versions of its prompts")
        return []


def evaluation_sample(use_case: UseCase, count: int = 0) -> list[Question]:
    """The evaluation questions of a release: `count` of them, 0 for as many as the use case says.

    Raises:
        UserError: the use case has no evaluation questions.
    """
    known = evaluation_questions(use_case)
    if not known:
        raise UserError(
            "evaluation.questions: the use case names none; a release needs evaluation questions, so give a JSONL file"
        )
    return sampled(known, count or use_case.release.questions)


def logged_chain(parameters: EvaluateParameters | PromoteParameters) -> Logged:
    """The chain that the run logged.

    Raises:
        UserError: there is no such run, or it logged no chain.
    """
    from ragops.releases.registry import find_logged

    return find_logged(parameters.experiment_id, parameters.run_id)


def chain_registry(parameters: PromoteParameters) -> ChainRegistry:
    """The chain's versions in the registry."""
    from mlflow import MlflowClient

    from ragops.releases.registry import ChainRegistry

    _ = parameters.experiment_id
    return ChainRegistry(MlflowClient(), parameters.workspace.registered(CHAIN))


def stored_results(parameters: EvaluateParameters | PromoteParameters, questions: list[Question]) -> StoredResults:
    """Where results on these questions and the live index are stored. Raises UserError if there is no index."""
    from mlflow import MlflowClient

    from ragops.releases.stored_results import StoredResults

    _ = parameters.experiment_id
    texts = parameters.use_case.corpus.classification != "confidential"
    return StoredResults(MlflowClient(), version_of(questions), live_generation(parameters), texts=texts)


def judging(
    parameters: EvaluateParameters | PromoteParameters, questions: list[Question], answering: str = ""
) -> Judging:
    """The judges of answers to these questions that the model `answering` wrote.

    Raises:
        UserError: the judge that is set is not available here, answers itself, or may not see the texts; or a prompt is
            wrong.
    """
    from ragops.releases.judging import open_judging

    use_case = parameters.judging()
    found = open_judging(parameters.workspace, use_case, questions, [answering] if answering else ())
    if use_case.evaluation.judge and found.without:
        raise UserError(f"judges: {found.without}; make it available, or release with judge={NONE}")
    return found


def endpoint_settings(
    parameters: PromoteParameters, logged: Logged, note: Callable[[str], None] = print
) -> EndpointSettings | None:
    """The settings of the endpoint, with the credentials of its service principal; None if there is no endpoint.

    Checks every right of the principal, so that nothing has changed yet if one is missing; `note` receives a line for
    each right that could not be checked.

    Raises:
        UserError: the chain follows the index, and the secret scope has no credentials; or as `check_rights`.
    """
    if not parameters.endpoint:
        return None
    experiment_id = parameters.experiment_id
    variables = {"ENABLE_MLFLOW_TRACING": "true", "MLFLOW_EXPERIMENT_ID": experiment_id}
    if identity := find_identity(parameters.workspace, workspace_client().config.host):
        pinned = live_generation(parameters) if logged.pinned else None
        configuration = chain_configuration(parameters, pinned)
        check_rights(identity, configuration, parameters.endpoint, experiment_id, note)
        variables |= identity.variables
    elif not logged.pinned:
        raise UserError(
            f"serving endpoint {parameters.endpoint}: its container reads the index as a service principal; store its "
            f"application id and one of its OAuth secrets in scope {parameters.workspace.secret_scope} as {CLIENT_ID} "
            f"and {CLIENT_SECRET}, or release with pin=true"
        )
    return EndpointSettings(
        name=parameters.endpoint,
        environment_vars=variables,
        managers=listed(parameters.managers),
        callers=listed(parameters.callers),
    )


def check_release(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job release, and a release without an index, before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = ReleaseParameters.read(given)
    configuration_to_log(parameters)
    parameters.judging(parameters.llm)
    evaluation_sample(parameters.use_case, parameters.questions)
    live_generation(parameters)
