"""The parameters of the job monitor, and what its notebook builds from them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field

from ragops.assembly import encoder_recipe
from ragops.errors import UserError
from ragops.jobs.judging import JudgeParameters
from ragops.jobs.parameters import EncoderParameters, LandingParameters
from ragops.platform.mlflow_store import open_experiment
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.monitoring.report.content import StatusPage
    from ragops.monitoring.stage import Monitored
    from ragops.monitoring.system.read import Place


class MonitorParameters(EncoderParameters, LandingParameters, JudgeParameters):
    """Parameters of the job monitor, as in resources/monitor.job.yml."""

    job: ClassVar[str] = "monitor"

    model_config = ConfigDict(extra="forbid")

    experiment: str = Field(description="MLflow's experiment for the page of the run")
    llm: str = Field(default="", description="the language model that answers; empty for the use case's primary model")

    @cached_property
    def experiment_id(self) -> str:
        """The id of the experiment, which becomes MLflow's current one and is created if it does not exist."""
        return open_experiment(self.experiment)

    @cached_property
    def chosen(self) -> UseCase:
        """The use case with the chosen models. Raises UserError if there is none of that name, or it cannot judge."""
        return self.judging(self.llm)


def monitored_place(parameters: MonitorParameters) -> Place:
    """Where the monitored system is. Raises UserError if the encoder may not see the documents."""
    from ragops.monitoring.system.read import Place

    workspace = parameters.workspace
    return Place(
        workspace=workspace,
        use_case=parameters.chosen,
        landing=parameters.landing_folder,
        files=workspace.path(parameters.usecase).parent,
        encoder=encoder_recipe(parameters.chosen, models_folder(workspace), "openvino"),
    )


def run_monitor(parameters: MonitorParameters) -> Monitored:
    """One run: what was found, compared with earlier runs and written to the table `findings`.

    Raises:
        UserError: the table cannot be read or written.
    """
    from ragops.monitoring.stage import monitor

    with suppress(UserError):  # a store that cannot be read is a finding; the page's run fails afterwards
        _ = parameters.experiment_id
    return monitor(monitored_place(parameters))


def publish(parameters: MonitorParameters, monitored: Monitored) -> str:
    """Puts the status page where the server finds it, and into a run of MLflow; returns where it is.

    Raises:
        UserError: the volume or MLflow's store cannot be written.
    """
    import mlflow
    from mlflow import MlflowClient

    from ragops.monitoring.report.publish import log_status

    page, path = published_page(parameters.workspace, monitored)
    with mlflow.start_run(run_name="monitor", experiment_id=parameters.experiment_id) as run:
        mlflow.log_metrics({"findings_high": monitored.high, "findings": len(monitored.findings)})
        return f"{path}\n{log_status(MlflowClient(), run.info.run_id, page)}"


def published_page(workspace: Workspace, monitored: Monitored) -> tuple[StatusPage, Path]:
    """The status page, and the file from which the server shows it. Raises VolumeError if it cannot be written."""
    from ragops.monitoring.report.build import stale_after, status_page
    from ragops.monitoring.report.content import Step
    from ragops.monitoring.report.publish import publish_status

    system, updated = monitored.system, monitored.updated
    where = f"{workspace.catalog}.{workspace.schema}"
    steps = [Step(one.title, one.reason, one.command, tuple(one.questions)) for one in monitored.steps]
    page = status_page(system, updated.open, updated.closed, steps, where)
    return page, publish_status(workspace, system.use_case, page, system.now, stale_after(system))


def check_monitor(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job before compute is started for it.

    A landing folder that is missing is not wrong: that it is missing is a finding.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = MonitorParameters.read(given)
    _ = parameters.chosen
    if not parameters.experiment.strip():
        raise UserError("parameter experiment is empty; give the name of an MLflow experiment, such as quality")
