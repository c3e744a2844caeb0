"""The parameters of the job collect_calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import ConfigDict

from ragops.jobs.parameters import UseCaseParameters


class CollectCallsParameters(UseCaseParameters):
    """Parameters of the job collect_calls, as in resources/collect_calls.job.yml."""

    job: ClassVar[str] = "collect_calls"

    model_config = ConfigDict(extra="forbid")


def check_collect_calls(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    _ = CollectCallsParameters.read(given).use_case
