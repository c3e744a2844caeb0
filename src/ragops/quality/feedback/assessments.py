"""Writes what people say of answers on the answers' MLflow traces. Rows come first, traces second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from ragops.errors import is_missing, needing
from ragops.platform.merge import StageReport, ids_frame, merge
from ragops.platform.mlflow_store import store_errors, use_mlflow
from ragops.platform.tables import Table, objects
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import FEEDBACK, REASONS, FeedbackRow
from ragops.text import one_line

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo

_Row = TypeVar("_Row", bound=BaseModel)

NAME = "helpful"
"""The assessment's name; its value is true for thumbs up."""
_VERDICT = "verdict_id"
# A trace is exported seconds after its answer. One that is still missing after days was never written.
REPAIRED_FOR = timedelta(days=14)
# Rows per MERGE: what a killed run writes again, or rather finds again on its traces.
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
    return write_pending(workspace, FEEDBACK, _pending(workspace), lambda row: write_assessment(row, texts), "verdicts")


def write_pending(
    workspace: Workspace, table: Table, pending: Sequence[_Row], write: Callable[[_Row], bool], what: str
) -> StageReport:
    """Writes rows on their traces, and notes the time of those that are there in the column `traced_at`.

    Args:
        workspace: where the table is.
        table: has the rows.
        pending: those that are not on their trace yet, oldest first.
        write: writes one row; False if its trace does not exist.
        what: the rows' name, for the report.
    """
    report = StageReport("traces", read=len(pending))
    with report.timed():
        for start in range(0, len(pending), _ROWS_PER_MERGE):
            portion = pending[start : start + _ROWS_PER_MERGE]
            _note_time(workspace, table, [getattr(row, table.key) for row in _written(portion, write, report)], report)
            if report.note:  # the store does not answer
                break
        missing = report.read - report.changed
        if missing and not report.note:
            report.note = f"{missing} {what} wait for their traces"
    return report


def _pending(workspace: Workspace) -> list[FeedbackRow]:
    """Verdicts that are not on their trace, oldest first, so that a change of mind comes after what it changes."""
    from pyspark.sql import functions as F

    rows = FEEDBACK.read(workspace).where("trace_id IS NOT NULL AND traced_at IS NULL")
    recent = rows.where(F.col("given_at") > F.lit(datetime.now(UTC) - REPAIRED_FOR))
    return objects(FeedbackRow, recent.orderBy("given_at", "verdict_id"))


def _written(rows: Sequence[_Row], write: Callable[[_Row], bool], report: StageReport) -> Iterator[_Row]:
    """The rows that are on their traces now. Stops with a note if the store does not answer."""
    try:
        use_mlflow()
        for row in rows:
            with needing("CAN EDIT", "the experiment of the answers' traces"):
                if write(row):
                    yield row
    except store_errors() as error:
        report.note = f"the tracking store does not answer ({one_line(error, 200)}); the next run tries again"


def write_assessment(row: FeedbackRow, texts: bool = True) -> bool:
    """Writes one verdict on its trace, unless it is there already; False if the trace does not exist.

    Raises:
        Exception: those of `store_errors`: the tracking store does not answer.
    """
    return put_assessment(
        str(row.trace_id),
        NAME,
        row.verdict == "up",
        who=row.who,
        rationale=_rationale(row, texts),
        row_id=(_VERDICT, row.verdict_id),
        answer_id=row.answer_id,
    )


def put_assessment(
    trace_id: str,
    name: str,
    value: bool | str,
    *,
    who: str,
    rationale: str | None,
    row_id: tuple[str, str],
    answer_id: str,
) -> bool:
    """Writes a person's assessment on a trace, unless it is there already; False if the trace does not exist.

    Args:
        trace_id: the trace.
        name: of the assessment; the same person's earlier one of this name is replaced.
        value: what the person says.
        who: the person.
        rationale: in the person's words.
        row_id: name and value of the row's id, by which the assessment is found again.
        answer_id: the answer.

    Raises:
        Exception: those of `store_errors`: the tracking store does not answer.
    """
    import mlflow
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback

    trace = trace_info(trace_id)
    if trace is None:
        return False
    key, value_of_key = row_id
    if any(metadata(one).get(key) == value_of_key for one in trace.assessments):
        return True
    earlier = _earlier(trace, name, who, key)
    mlflow.log_assessment(
        trace.trace_id,
        Feedback(
            name=name,
            value=value,
            source=AssessmentSource(source_type=AssessmentSourceType.HUMAN, source_id=who),
            rationale=rationale,
            metadata={key: value_of_key, "answer_id": answer_id},
            overrides=earlier.assessment_id if earlier else None,
        ),
    )
    return True


def trace_info(trace_id: str) -> TraceInfo | None:
    """A trace with its assessments; None if it does not exist. Raises those of `store_errors`."""
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient

    try:
        return TracingClient().get_trace_info(trace_id)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise


def _earlier(trace: TraceInfo, name: str, who: str, key: str) -> Assessment | None:
    """What the same person has said before, and which still counts."""
    own = (one for one in trace.assessments if one.name == name and one.source.source_id == who)
    return next((one for one in own if key in metadata(one) and getattr(one, "valid", True)), None)


def metadata(assessment: Assessment) -> dict[str, str]:
    """What is noted with an assessment."""
    return assessment.metadata or {}


def _rationale(row: FeedbackRow, texts: bool) -> str | None:
    parts = (REASONS.get(row.reason, row.reason) if row.reason else None, row.comment if texts else None)
    return ": ".join(part for part in parts if part) or None


def _note_time(workspace: Workspace, table: Table, ids: Sequence[str], report: StageReport) -> None:
    """Sets `traced_at` of the rows."""
    from pyspark.sql import functions as F

    if ids:
        rows = table.read(workspace).join(ids_frame(workspace, table.key, ids), table.key, "left_semi")
        report.count(merge(workspace, table, rows.withColumn("traced_at", F.lit(datetime.now(UTC)))))
