"""The chain's versions in MLflow's registry: challenger and champion, and the answers each was judged by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.errors import UserError, is_missing, needing
from ragops.platform.tags import catalog_tag
from ragops.quality.evaluation.answers import Row, metrics
from ragops.serving.model.log_model import DIGEST_TAG, INDEX_PARAMETER, LIVE, URI_TAG, Logged

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
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
        """By which it is loaded."""
        return f"models:/{self.name}/{self.number}"


class ChainRegistry:
    """Versions of one model name, three-level as Unity Catalog has them."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        self._client, self.name = client, name

    def register(self, logged: Logged) -> Version:
        """A new version of a logged chain; makes the name too, where no deployment has.

        Not by mlflow.register_model: it creates first and looks later, and Unity Catalog refuses that to whoever may
        not create, even where the name is there.

        Raises:
            NotPermitted: it may not be registered here.
        """
        self._make_name()
        tags = {"digest": logged.digest, "logged_by": logged.run_id}
        with self._owned():
            model_id = logged.uri.removeprefix("models:/")
            made = self._client.create_model_version(self.name, logged.uri, tags=tags, model_id=model_id)
        return Version(self.name, str(made.version), logged.run_id, logged.digest)

    def _make_name(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            with needing("EXECUTE", f"model {self.name}"):
                self._client.get_registered_model(self.name)
        except MlflowException as error:
            if not is_missing(error):
                raise
            with needing("CREATE MODEL", f"schema {self.name.rpartition('.')[0]}"):
                self._client.create_registered_model(self.name)

    def _owned(self) -> AbstractContextManager[None]:
        """Around what only a model's owner may do."""
        return needing("ownership or MANAGE", f"model {self.name}")

    def by_alias(self, alias: str) -> Version | None:
        """The version that an alias names; None if there is no such alias, or no version at all."""
        from mlflow.exceptions import MlflowException

        try:
            with needing("EXECUTE", f"model {self.name}"):
                found = self._client.get_model_version_by_alias(self.name, alias)
        except MlflowException as error:
            if is_missing(error):
                return None
            raise
        tags = found.tags
        return Version(self.name, str(found.version), tags.get("logged_by", ""), tags.get("digest", ""))

    def point(self, alias: str, version: Version) -> None:
        """Moves an alias."""
        with self._owned():
            self._client.set_registered_model_alias(self.name, alias, version.number)

    def drop(self, alias: str) -> None:
        """Takes an alias away."""
        with self._owned():
            self._client.delete_registered_model_alias(self.name, alias)

    def note(self, version: Version, **tags: str) -> None:
        """Tags on a version: why it was or was not promoted."""
        with self._owned():
            for name, value in tags.items():
                self._client.set_model_version_tag(self.name, version.number, name, catalog_tag(value))


@needing(*_EXPERIMENT)
def find_logged(experiment_id: str, run_id: str = "") -> Logged:
    """The chain that a run logged; without a run the newest one of the experiment.

    Raises:
        UserError: there is none.
    """
    import mlflow

    wanted = f"attributes.run_id = '{run_id}'" if run_id else f"tags.`{URI_TAG}` LIKE 'models:/%'"
    runs = mlflow.search_runs([experiment_id], wanted, max_results=1, output_format="list")
    if not runs or URI_TAG not in runs[0].data.tags:
        what = f"run {run_id} logged no chain" if run_id else "no chain was logged yet"
        raise UserError(f"release: {what}; run the job release from its first task, or register_model.ipynb")
    found = runs[0]
    pinned = found.data.params.get(INDEX_PARAMETER, LIVE) != LIVE
    return Logged(found.data.tags[URI_TAG], found.info.run_id, found.data.tags[DIGEST_TAG], pinned)


class Judged:
    """Answers kept in the run that logged a chain, by what was asked: the same questions of the same index."""

    def __init__(self, client: MlflowClient, questions: Sequence[str], generation: str) -> None:
        """`questions`: their ids; `generation`: of the index that answered."""
        self._client = client
        result = json.dumps([*questions, generation])
        self._file = f"evaluation/answers-{hashlib.sha256(result.encode()).hexdigest()[:12]}.json"

    @needing(*_EXPERIMENT)
    def keep(self, run_id: str, rows: Sequence[Row]) -> None:
        """Puts the answers and their figures into the run."""
        text = json.dumps([_finite(row.as_dict()) for row in rows], ensure_ascii=False, indent=0)
        self._client.log_text(run_id, text, self._file)
        for name, value in metrics(rows).items():
            self._client.log_metric(run_id, f"answers.{name}", value)

    @needing(*_EXPERIMENT)
    def figures(self, run_id: str) -> dict[str, float]:
        """Everything that the run measured, by name."""
        return dict(self._client.get_run(run_id).data.metrics)

    def known(self, run_id: str) -> list[Row] | None:
        """The answers that a run has kept; None where it was asked other things, or the run is gone."""
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            with needing(*_EXPERIMENT):
                text = mlflow.artifacts.load_text(f"runs:/{run_id}/{self._file}")
        except (MlflowException, OSError):
            return None
        return [Row.from_dict(record) for record in json.loads(text)]


def _finite(record: dict[str, object]) -> dict[str, object]:
    """JSON knows no NaN."""
    return {name: None if isinstance(value, float) and value != value else value for name, value in record.items()}
