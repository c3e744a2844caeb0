"""The parameters of the notebook that tells what a place is: in the smoke job, and in the job probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ragops.doctor.checks import Environment
from ragops.jobs.refresh import RefreshParameters


class ProbeParameters(RefreshParameters):
    """The refresh job's parameters, which decide what is needed here; `gpus`: whether there must be GPUs.

    `llm` is the target's language model, "" for the use case's own.
    """

    job: ClassVar[str] = "probe"

    gpus: bool = False
    llm: str = ""

    @property
    def place(self) -> Environment:
        """What is looked at."""
        models = self.use_case.models.with_primary(self.llm)
        use_case = self.use_case.model_copy(update={"models": models})
        return Environment(self.workspace, use_case, self.landing, gpus=self.gpus)


def check_probe(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job probe before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    _ = ProbeParameters.read(given).place
