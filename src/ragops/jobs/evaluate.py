"""The parameters of the job evaluate, and what its notebook builds from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field

from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.jobs.judging import JudgeParameters
from ragops.jobs.parameters import EncoderParameters
from ragops.jobs.release import evaluation_sample
from ragops.platform.mlflow_store import open_experiment
from ragops.quality.questions import Question
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.releases.judging import Judging
    from ragops.releases.measured_chain import MeasuredChain


class EvaluateJobParameters(EncoderParameters, JudgeParameters):
    """Parameters of the job evaluate, as in resources/evaluate.job.yml."""

    job: ClassVar[str] = "evaluate"

    model_config = ConfigDict(extra="forbid")

    experiment: str = Field(description="MLflow's experiment for runs and traces")
    llm: str = Field(
        default="",
        description="the language model used if there is no champion; empty for the use case's primary model",
    )
    questions: int = Field(
        default=0, ge=0, description="the number of evaluation questions; 0: as many as a release asks"
    )

    @cached_property
    def experiment_id(self) -> str:
        """The id of the experiment, which becomes MLflow's current one and is created if it does not exist."""
        return open_experiment(self.experiment)

    @cached_property
    def chosen(self) -> UseCase:
        """The use case with the chosen models. Raises UserError if there is none of that name, or it cannot judge."""
        return self.judging(self.llm)


def questions_to_ask(parameters: EvaluateJobParameters) -> list[Question]:
    """The evaluation questions. Raises UserError if the use case has none."""
    return evaluation_sample(parameters.use_case, parameters.questions)


def chain_to_measure(parameters: EvaluateJobParameters) -> MeasuredChain:
    """The champion, or the working copy where there is none.

    Raises:
        UserError: there is no index, or the chain cannot be opened here.
    """
    from mlflow import MlflowClient

    from ragops.releases.measured_chain import open_measured

    _ = parameters.experiment_id
    return open_measured(parameters.workspace, parameters.chosen, MlflowClient())


def judging(parameters: EvaluateJobParameters, questions: Sequence[Question], answering: str) -> Judging:
    """The judges of answers to these questions that the model `answering` wrote.

    Raises:
        UserError: the judge answers itself, or may not see the texts; or a prompt is wrong.
    """
    from ragops.releases.judging import open_judging

    return open_judging(parameters.workspace, parameters.chosen, questions, [answering])


def check_evaluate(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job, and an evaluation without an index, before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = EvaluateJobParameters.read(given)
    _ = parameters.chosen
    questions_to_ask(parameters)
    PublishedIndex(index_root(parameters.workspace)).pointer()
