"""Writes judgments on the MLflow traces of their answers, as assessments of a language model. Rows come first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragops.platform.merge import StageReport
from ragops.platform.tables import objects
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.assessments import REPAIRED_FOR, metadata, trace_info, write_pending
from ragops.quality.judges.rows import JUDGMENTS, Judgment

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Feedback, TraceInfo

_ID, _STATE = "judgment_id", "state"


def write_judgments(workspace: Workspace, *, texts: bool = True) -> StageReport:
    """Writes each judgment that is not on its trace yet, and notes the time in `traced_at`.

    A judgment is on a trace once; one that was made again replaces the error before it. A trace that does not exist
    yet, or a store that does not answer, is tried again by later runs for 14 days.

    Args:
        workspace: where the table `judgments` is.
        texts: whether reasons may be in traces, which every reader of the experiment sees.

    Raises:
        UserError: the table cannot be read or written.
    """
    return write_pending(workspace, JUDGMENTS, _pending(workspace), lambda row: write_judgment(row, texts), "judgments")


def write_judgment(row: Judgment, texts: bool = True) -> bool:
    """Writes one judgment on its trace, unless it is there already; False if the trace does not exist.

    Raises:
        Exception: those of `store_errors`: the tracking store does not answer.
    """
    import mlflow

    trace = trace_info(str(row.trace_id))
    if trace is None:
        return False
    earlier = _earlier(trace, row)
    if earlier is None or metadata(earlier).get(_STATE) != row.state:
        mlflow.log_assessment(trace.trace_id, _assessment(row, texts, earlier))
    return True


def _pending(workspace: Workspace) -> list[Judgment]:
    from pyspark.sql import functions as F

    rows = JUDGMENTS.read(workspace).where("trace_id IS NOT NULL AND traced_at IS NULL")
    recent = rows.where(F.col("judged_at") > F.lit(datetime.now(UTC) - REPAIRED_FOR))
    return objects(Judgment, recent.orderBy("judged_at", "judgment_id"))


def _earlier(trace: TraceInfo, row: Judgment) -> Assessment | None:
    own = (one for one in trace.assessments if metadata(one).get(_ID) == row.judgment_id)
    return next((one for one in own if getattr(one, "valid", True)), None)


def _assessment(row: Judgment, texts: bool, earlier: Assessment | None) -> Feedback:
    from mlflow.entities import AssessmentError, AssessmentSource, AssessmentSourceType, Feedback

    reason = row.reason if texts else None
    failed = AssessmentError(error_code=row.state.upper(), error_message=reason) if row.score is None else None
    return Feedback(
        name=row.judge,
        value=row.score,
        error=failed,
        source=AssessmentSource(
            source_type=AssessmentSourceType.LLM_JUDGE, source_id=f"{row.model}@{row.judge_version}"
        ),
        rationale=reason if failed is None else None,
        metadata=_facts(row),
        overrides=earlier.assessment_id if earlier else None,
    )


def _facts(row: Judgment) -> dict[str, str]:
    """Our own facts, and those under the names that MLflow's pages add up."""
    own = {_ID: row.judgment_id, _STATE: row.state, "answer_id": row.answer_id, "verdict": row.verdict or ""}
    return {name: value for name, value in own.items() if value} | {
        "mlflow.assessment.judgeInputTokens": str(row.input_tokens),
        "mlflow.assessment.judgeOutputTokens": str(row.output_tokens),
        "mlflow.assessment.judgeCost": f"{row.cost:.9f}",
    }
