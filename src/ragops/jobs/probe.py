"""The parameters of the notebook that reports on an environment: in the job probe and in the smoke job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from ragops.doctor.checks import Environment
from ragops.jobs.parameters import EncoderParameters, LandingParameters


class ProbeParameters(EncoderParameters, LandingParameters):
    """Parameters of the task probe. They determine what is required in the environment."""

    job: ClassVar[str] = "probe"

    llm: str = Field(default="", description="the language model that answers; empty: the use case's primary model")
    gpus: bool = Field(default=False, description="true where GPUs are required")


def environment(parameters: ProbeParameters) -> Environment:
    """The environment to examine. Raises UserError if there is no such language model."""
    use_case = parameters.use_case
    models = use_case.models.with_primary(parameters.llm)
    return Environment(
        parameters.workspace,
        use_case.model_copy(update={"models": models}),
        parameters.landing,
        gpus=parameters.gpus,
    )


def check_probe(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job probe before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    environment(ProbeParameters.read(given))
