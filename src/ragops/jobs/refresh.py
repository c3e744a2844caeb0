"""The parameters of the refresh job, and what its stages make of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import field_validator

from ragops.corpus.embeddings.interface import EncoderSource
from ragops.corpus.embeddings.model import fingerprint
from ragops.corpus.embeddings.recipes import Backend
from ragops.errors import UserError
from ragops.jobs.parameters import JobParameters
from ragops.platform.deployment import job_values_hint
from ragops.quality.questions import evaluation_questions

if TYPE_CHECKING:
    from ragops.corpus.index.generations.publish import RecallGuard

# Enough to see a drop of some points, few enough to cost a publish about a second.
GUARD_QUESTIONS = 100


class RefreshParameters(JobParameters):
    """Parameters of the refresh job, as resources/refresh.jobs.yml declares them."""

    landing: str
    encoder: Backend
    allow_deletes: bool = False

    @field_validator("landing")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not Path(path).is_absolute():
            raise ValueError("give an absolute path, such as /Volumes/... or /path/to/folder")
        return path

    @property
    def landing_folder(self) -> Path:
        """The folder to read, in this place."""
        return self.workspace.path(self.landing)

    @property
    def max_delete_fraction(self) -> float:
        """The share of documents that may go at once: the use case's, unless this run allows all."""
        return 1.0 if self.allow_deletes else self.use_case.documents.max_delete_fraction

    def encoder_source(self) -> EncoderSource:
        """The recipe for the use case's embedding model in this place; a model for the CPU is converted here, once."""
        return self._encoder(self.encoder)

    def query_source(self) -> EncoderSource:
        """The recipe for encoding questions: on all cores of the CPU, since one text gains nothing from a GPU."""
        return self._encoder("openvino", threads=0)

    def convert_model(self) -> None:
        """Makes the CPU's version of the model where torch is at hand, since publishing and searching need it later."""
        if not self.use_case.embedding.is_endpoint:
            self._encoder("openvino")

    def recall_guard(self) -> RecallGuard | None:
        """What keeps a generation that finds less from being published; None when the use case names no questions."""
        questions = evaluation_questions(self.use_case)
        if not questions:
            return None
        # Chroma takes seconds to import, and two of the three tasks do without it.
        from ragops.quality.evaluation.recall_guard import RecallMeter

        meter = RecallMeter(questions[:GUARD_QUESTIONS], self.query_source(), fingerprint(self.use_case.embedding))
        return meter.guard(self.use_case.index.max_recall_drop)


class IngestParameters(RefreshParameters):
    """Those of the refresh job's first task, which makes the schema that they name if it is not there."""

    makes_schema: ClassVar[bool] = True

    def make_schema(self) -> None:
        """Makes schema and volumes where they are missing.

        Raises:
            UserError: something is missing that cannot be made here, or there is no such catalog.
        """
        from pyspark.errors import PySparkException

        try:
            self.workspace.create_schema()
        except PySparkException as error:
            place, reason = f"{self.catalog}.{self.schema_name}", str(error).partition("\n")[0]
            raise UserError(
                f"parameter catalog: {place} is not there and cannot be made ({reason}); {job_values_hint(self.job)}"
            ) from error


class PublishParameters(RefreshParameters):
    """Those of the refresh job's last task, which says to others that wait for the index which run holds it."""

    run_id: str = "by hand"


def check_refresh(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the refresh job before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = RefreshParameters.read(given)
    _ = parameters.use_case
    if not parameters.landing_folder.is_dir():
        raise UserError(
            f"parameter landing: no folder {parameters.landing_folder}; give landing=/path/to/folder, "
            "or lay the sample corpus there: ragops sample"
        )
