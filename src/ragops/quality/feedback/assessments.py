"""Writes verdicts on the MLflow traces of their answers, as assessments of a person. Rows come first, traces second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ragops.errors import is_missing, needing
from ragops.platform.merge import StageReport, ids_frame, merge
from ragops.platform.mlflow_store import store_errors, use_mlflow
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import FEEDBACK, REASONS, FeedbackRow
from ragops.text import one_line

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo

NAME = "helpful"
"""The assessment's name; its value is true for thumbs up."""
_VERDICT = "verdict_id"
# A trace is exported seconds after its answer. One that is still missing after days was never written.
_REPAIRED_FOR = timedelta(days=14)
# Verdicts per MERGE: what a killed run writes again, or rather finds again on its traces.
_ROWS_PER_MERGE = 500


def write_assessments(workspace: Workspace, *, texts: bool = True) -> StageReport:
    """Writes each verdict that is not on its trace yet, and notes the time in `traced_at`.

    A verdict is on a trace once, whatever is interrupted: it is looked for by its id before it is written. A change of
    mind replaces what the same person has said before. A trace that does not exist yet is tried again by later runs
    for 14 days; so is everything while the tracking store does not answer.

    Args:
        workspace: where the table `feedback` is.
        texts: whether comments may be in traces, which every reader of the experiment sees.

    Raises:
        UserError: the table cannot be read or written.
    """
    report = StageReport("traces")
    with report.timed():
        pending = _pending(workspace)
        report.read = len(pending)
        for start in range(0, len(pending), _ROWS_PER_MERGE):
            portion = pending[start : start + _ROWS_PER_MERGE]
            written = [row.verdict_id for row in _written(portion, texts, report)]
            _note_time(workspace, written, report)
            if report.note:  # the store does not answer
                break
        missing = report.read - report.changed
        if missing and not report.note:
            report.note = f"{missing} verdicts wait for their traces"
    return report


def _pending(workspace: Workspace) -> list[FeedbackRow]:
    """Verdicts that are not on their trace, oldest first, so that a change of mind comes after what it changes."""
    from pyspark.sql import functions as F

    rows = FEEDBACK.read(workspace).where("trace_id IS NOT NULL AND traced_at IS NULL")
    recent = rows.where(F.col("given_at") > F.lit(datetime.now(UTC) - _REPAIRED_FOR))
    return [FeedbackRow(**row.asDict()) for row in recent.orderBy("given_at", "verdict_id").collect()]


def _written(rows: Sequence[FeedbackRow], texts: bool, report: StageReport) -> Iterator[FeedbackRow]:
    """The verdicts that are on their traces now. Stops with a note if the store does not answer."""
    try:
        use_mlflow()
        for row in rows:
            with needing("CAN EDIT", "the experiment of the answers' traces"):
                if write_assessment(row, texts):
                    yield row
    except store_errors() as error:
        report.note = f"the tracking store does not answer ({one_line(error, 200)}); the next run tries again"


def write_assessment(row: FeedbackRow, texts: bool = True) -> bool:
    """Writes one verdict on its trace, unless it is there already; False if the trace does not exist.

    Raises:
        Exception: those of `store_errors`: the tracking store does not answer.
    """
    import mlflow
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback

    trace = _trace_info(str(row.trace_id))
    if trace is None:
        return False
    if any(_metadata(one).get(_VERDICT) == row.verdict_id for one in trace.assessments):
        return True
    earlier = _earlier(trace, row.who)
    mlflow.log_assessment(
        trace.trace_id,
        Feedback(
            name=NAME,
            value=row.verdict == "up",
            source=AssessmentSource(source_type=AssessmentSourceType.HUMAN, source_id=row.who),
            rationale=_rationale(row, texts),
            metadata={_VERDICT: row.verdict_id, "answer_id": row.answer_id},
            overrides=earlier.assessment_id if earlier else None,
        ),
    )
    return True


def _trace_info(trace_id: str) -> TraceInfo | None:
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient

    try:
        return TracingClient().get_trace_info(trace_id)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise


def _earlier(trace: TraceInfo, who: str) -> Assessment | None:
    """What the same person has said before, and which still counts."""
    own = (one for one in trace.assessments if one.name == NAME and one.source.source_id == who)
    return next((one for one in own if _VERDICT in _metadata(one) and getattr(one, "valid", True)), None)


def _metadata(assessment: Assessment) -> dict[str, str]:
    return assessment.metadata or {}


def _rationale(row: FeedbackRow, texts: bool) -> str | None:
    parts = (REASONS.get(row.reason, row.reason) if row.reason else None, row.comment if texts else None)
    return ": ".join(part for part in parts if part) or None


def _note_time(workspace: Workspace, ids: Sequence[str], report: StageReport) -> None:
    """Sets `traced_at` of the verdicts."""
    from pyspark.sql import functions as F

    if ids:
        rows = FEEDBACK.read(workspace).join(ids_frame(workspace, "verdict_id", ids), "verdict_id", "left_semi")
        report.count(merge(workspace, FEEDBACK, rows.withColumn("traced_at", F.lit(datetime.now(UTC)))))
