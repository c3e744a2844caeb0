"""The chain's versions in MLflow's registry: challenger and champion; and the runs that logged them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.errors import UserError, is_missing
from ragops.platform.mlflow_store import answering
from ragops.platform.tags import catalog_tag
from ragops.serving.model import registered
from ragops.serving.model.log_model import DIGEST_TAG, INDEX_PARAMETER, LIVE, URI_TAG, Logged

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = registered.CHAMPION, "challenger"
_EXPERIMENT = ("CAN EDIT", "experiment of the release")


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version: its number, the run that logged it, and its configuration's digest."""

    name: str
    number: str
    run_id: str
    digest: str

    @property
    def uri(self) -> str:
        """The URI by which MLflow loads it."""
        return f"models:/{self.name}/{self.number}"


class ChainRegistry:
    """The versions of one registered model, named CATALOG.SCHEMA.NAME."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        self._client, self.name = client, name

    def register(self, logged: Logged) -> Version:
        """Registers a logged chain as a new version, and creates the registered model if necessary.

        mlflow.register_model cannot be used: it creates the model before it looks for it, which Unity Catalog refuses
        to users without CREATE MODEL even if the model exists.

        Raises:
            NotPermitted: the user may not register models here.
        """
        self.ensure_model()
        tags = {"digest": logged.digest, "logged_by": logged.run_id}
        with self._owned():
            model_id = logged.uri.removeprefix("models:/")
            made = self._client.create_model_version(self.name, logged.uri, tags=tags, model_id=model_id)
        return Version(self.name, str(made.version), logged.run_id, logged.digest)

    def ensure_model(self) -> None:
        """Creates the registered model if it does not exist. Raises NotPermitted as `register`."""
        from mlflow.exceptions import MlflowException

        try:
            with answering("EXECUTE", f"model {self.name}"):
                self._client.get_registered_model(self.name)
        except MlflowException as error:
            if not is_missing(error):
                raise
            with answering("CREATE MODEL", f"schema {self.name.rpartition('.')[0]}"):
                self._client.create_registered_model(self.name)

    def _owned(self) -> AbstractContextManager[None]:
        """For operations that only an owner of the model may do."""
        return answering("ownership or MANAGE", f"model {self.name}")

    def by_alias(self, alias: str) -> Version | None:
        """The version that an alias names; None if there is no such alias or no version at all."""
        found = registered.by_alias(self._client, self.name, alias)
        if found is None:
            return None
        tags = found.tags
        return Version(self.name, str(found.version), tags.get("logged_by", ""), tags.get("digest", ""))

    def point(self, alias: str, version: Version) -> None:
        """Moves an alias."""
        with self._owned():
            self._client.set_registered_model_alias(self.name, alias, version.number)

    def drop(self, alias: str) -> None:
        """Deletes an alias."""
        with self._owned():
            self._client.delete_registered_model_alias(self.name, alias)

    def note(self, version: Version, **tags: str) -> None:
        """Sets tags on a version, such as why it was not promoted. Values are cut to what Unity Catalog accepts."""
        with self._owned():
            for name, value in tags.items():
                self._client.set_model_version_tag(self.name, version.number, name, catalog_tag(value))


@answering(*_EXPERIMENT)
def find_logged(experiment_id: str, run_id: str = "") -> Logged:
    """The chain that a run logged; without `run_id` the newest chain of the experiment.

    Raises:
        UserError: there is none.
    """
    import mlflow

    wanted = f"attributes.run_id = '{run_id}'" if run_id else f"tags.`{URI_TAG}` LIKE 'models:/%'"
    runs = mlflow.search_runs([experiment_id], wanted, max_results=1, output_format="list")
    if not runs or URI_TAG not in runs[0].data.tags:
        what = f"run {run_id} logged no chain" if run_id else "no chain has been logged yet"
        raise UserError(f"release: {what}; run the whole job release, or register_model.ipynb")
    found = runs[0]
    pinned = found.data.params.get(INDEX_PARAMETER, LIVE) != LIVE
    return Logged(found.data.tags[URI_TAG], found.info.run_id, found.data.tags[DIGEST_TAG], pinned)
