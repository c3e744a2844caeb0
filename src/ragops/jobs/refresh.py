"""The parameters of the refresh job and its tasks, and what its notebooks build from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field

from ragops.corpus.embeddings.model import fingerprint
from ragops.corpus.embeddings.recipes import Backend
from ragops.errors import UserError
from ragops.jobs.parameters import EncoderParameters, LandingParameters, StartedParameters
from ragops.platform.deployment import job_values_hint
from ragops.quality.datasets.question_set import open_set

if TYPE_CHECKING:
    from ragops.corpus.index.generations.publish import RecallGuard

# Enough to detect a drop of a few points, few enough to cost publishing about a second.
GUARD_QUESTIONS = 100


class IngestParameters(EncoderParameters, LandingParameters):
    """Parameters of the task ingest, which creates the schema if it does not exist."""

    creates_schema: ClassVar[bool] = True

    allow_deletes: bool = Field(
        default=False, description="true lets this run delete more documents at once than the use case allows"
    )

    @property
    def max_delete_fraction(self) -> float:
        """The share of documents that may be deleted at once: the use case's, unless this run allows all."""
        return 1.0 if self.allow_deletes else self.use_case.documents.max_delete_fraction


class EmbedParameters(EncoderParameters):
    """Parameters of the task embed."""

    encoder: Backend = Field(description="what computes embeddings: openvino (CPU) or torch (GPU)")


class PublishParameters(EncoderParameters, StartedParameters):
    """Parameters of the task publish."""

    run_id: str = Field(
        default="manual run", description="the job's run, shown to other runs while this one locks the index"
    )


class RefreshParameters(IngestParameters, EmbedParameters):
    """Parameters of the whole job, as in resources/refresh.jobs.yml."""

    model_config = ConfigDict(extra="forbid")


def create_schema(parameters: IngestParameters) -> None:
    """Creates the schema and its volumes if they do not exist.

    Raises:
        UserError: the catalog does not exist, or something is missing that the user may not create.
    """
    from pyspark.errors import PySparkException

    try:
        parameters.workspace.create_schema()
    except PySparkException as error:
        schema, reason = f"{parameters.catalog}.{parameters.schema_name}", str(error).partition("\n")[0]
        raise UserError(
            f"parameter catalog: {schema} does not exist and cannot be created ({reason}); "
            f"{job_values_hint(parameters.job)}"
        ) from error


def convert_for_cpu(parameters: EncoderParameters) -> None:
    """Converts the embedding model for the CPU, for publishing and searching; models that are not ONNX need torch."""
    if not parameters.use_case.embedding.is_endpoint:
        parameters.encoder_source("openvino")


def recall_guard(parameters: EncoderParameters) -> RecallGuard | None:
    """The guard against publishing a generation with lower recall; None if the use case has no evaluation questions."""
    use_case = parameters.use_case
    questions = open_set(use_case).questions
    if not questions:
        return None
    # Imports Chroma, which takes seconds and which the other tasks do not need.
    from ragops.quality.evaluation.recall_guard import RecallMeter

    encoder = parameters.encoder_source("openvino", threads=0)
    return RecallMeter(questions[:GUARD_QUESTIONS], encoder, fingerprint(use_case.embedding)).guard(
        use_case.index.max_recall_drop
    )


def check_refresh(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the refresh job before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = RefreshParameters.read(given)
    _ = parameters.use_case
    if not parameters.landing_folder.is_dir():
        raise UserError(
            f"parameter landing: no folder {parameters.landing_folder}; give landing=/path/to/folder, or write the "
            "sample corpus to it with: ragops sample"
        )
