"""The chain in MLflow's registry: its name in a schema, its versions, and the alias of the one that serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.errors import is_missing
from ragops.platform.mlflow_store import answering

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAIN = "chain"
"""The registered model, one in each schema; the first release creates it."""
CHAMPION = "champion"
WORKING_COPY = "working copy"
"""The version of a chain that is opened from the bundle's files instead of the registry."""


@dataclass(frozen=True, slots=True)
class ChainVersion:
    """Which chain answers: the registered model's name and version, or the use case's name and `WORKING_COPY`."""

    name: str
    version: str

    @property
    def uri(self) -> str:
        """The URI by which MLflow finds a registered version."""
        return f"models:/{self.name}/{self.version}"

    def __str__(self) -> str:
        """For a line of text."""
        return f"{self.name}, {self.version if self.version == WORKING_COPY else f'version {self.version}'}"


def by_alias(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """The version of a registered model that an alias names; None if there is no such alias or no version at all.

    Raises:
        NotPermitted: this identity may not read the model.
        UserError: the registry does not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        with answering("EXECUTE", f"model {name}"):
            return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise
