"""Labels on MLflow traces: written there after the rows, and read from there where the Review App collected them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragops.errors import needing
from ragops.platform.collected import add_new
from ragops.platform.merge import StageReport
from ragops.platform.mlflow_store import store_errors, use_mlflow
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.assessments import (
    REPAIRED_FOR,
    metadata,
    put_assessment,
    trace_info,
    write_pending,
)
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.review.files import LABELS_FOLDER
from ragops.quality.review.rows import LABELS, REVIEW_QUEUE, Label, LabelRow, Opinion
from ragops.text import one_line
from ragops.usecase.evaluation import JUDGES

if TYPE_CHECKING:
    from mlflow.entities import Assessment

_LABEL = "label_id"
_OPINIONS: Mapping[str, Opinion] = {
    **dict.fromkeys(("good", "yes", "true", "pass", "correct", "partly"), "good"),
    **dict.fromkeys(("bad", "no", "false", "fail", "incorrect"), "bad"),
}
"""The values of a labeling schema that can be read, in lower case; a judge's own verdicts are among them."""
_COMMENT_CHARACTERS = 2_000


def write_labels(workspace: Workspace, *, texts: bool = True) -> StageReport:
    """Writes each label that is not on its answer's trace yet, as a HUMAN assessment with the judge's name.

    Repaired as verdicts are: a trace that comes later, or a store that does not answer, is tried again for 14 days.

    Args:
        workspace: where the table `labels` is.
        texts: whether comments may be in traces, which every reader of the experiment sees.

    Raises:
        UserError: the table cannot be read or written.
    """
    pending = _pending(workspace)
    traces = {row.label_id: trace_id for row, trace_id in pending}

    def write(row: LabelRow) -> bool:
        return put_assessment(
            traces[row.label_id],
            row.judge,
            row.verdict,
            who=row.reviewer,
            rationale=row.comment if texts else None,
            row_id=(_LABEL, row.label_id),
            answer_id=row.answer_id,
        )

    return write_pending(workspace, LABELS, [row for row, _ in pending], write, "labels")


def _pending(workspace: Workspace) -> list[tuple[LabelRow, str]]:
    """Labels of the page that are not on their traces, with these, oldest first."""
    from pyspark.sql import functions as F

    rows = LABELS.read(workspace).where("traced_at IS NULL AND source = 'page'")
    recent = rows.where(F.col("labelled_at") > F.lit(datetime.now(UTC) - REPAIRED_FOR))
    traces = ANSWERS.read(workspace).where("trace_id IS NOT NULL").select("answer_id", "trace_id")
    found = recent.join(traces, "answer_id").orderBy("labelled_at", "label_id").collect()
    return [(LabelRow(**{name: row[name] for name in LABELS.names}), row["trace_id"]) for row in found]


def read_review_app(workspace: Workspace) -> StageReport:
    """Adds what people said on the traces of drawn answers to the table `labels`: in the Review App, or MLflow's UI.

    An assessment counts if a person gave it under a judge's name, with a value like good, yes, true, or an opposite.
    Each becomes one row, however often it is read. Labels that came from the table are left out.

    Raises:
        UserError: a table cannot be read or written.
    """
    report = StageReport("review app")
    with report.timed():
        for table in (LABELS, REVIEW_QUEUE):
            table.create(workspace)
        labels: dict[str, Label] = {}
        unclear = 0
        try:
            use_mlflow()
            for answer_id, trace_id in _drawn_traces(workspace):
                with needing("CAN READ", "the experiment of the answers' traces"):
                    trace = trace_info(trace_id)
                for one in _of_people(trace.assessments if trace else ()):
                    report.read += 1
                    label = _label(answer_id, one)
                    unclear += label is None
                    if label is not None:
                        labels[label.label_id] = label
        except store_errors() as error:
            report.note = f"the tracking store does not answer ({one_line(error, 200)}); the next run tries again"
        add_new(workspace, LABELS, LABELS_FOLDER, labels, lambda own, other: True, _row, report)
        if unclear and not report.note:
            report.note = f"{unclear} assessments are neither good nor bad; use one of: {', '.join(_OPINIONS)}"
    return report


def _drawn_traces(workspace: Workspace) -> list[tuple[str, str]]:
    """Answer and trace of the drawn answers that can still be reviewed."""
    from pyspark.sql import functions as F

    rows = ANSWERS.read(workspace).where("trace_id IS NOT NULL")
    recent = rows.where(F.col("asked_at") > F.lit(datetime.now(UTC) - 3 * REPAIRED_FOR))
    drawn = REVIEW_QUEUE.read(workspace).select("answer_id")
    return [(row[0], row[1]) for row in recent.join(drawn, "answer_id").select("answer_id", "trace_id").collect()]


def _of_people(assessments: Iterable[Assessment]) -> Iterator[Assessment]:
    for one in assessments:
        is_human = one.source is not None and one.source.source_type == "HUMAN"
        if is_human and one.name in JUDGES and one.feedback is not None and _LABEL not in metadata(one):
            yield one


def _label(answer_id: str, assessment: Assessment) -> Label | None:
    """None if the value is none that can be read."""
    verdict = _OPINIONS.get(str(assessment.feedback.value).strip().casefold()) if assessment.feedback else None
    if verdict is None:
        return None
    given = datetime.fromtimestamp((assessment.create_time_ms or 0) / 1000, UTC)
    known = {
        "label_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mlflow:{assessment.trace_id}/{assessment.assessment_id}")),
        "answer_id": answer_id,
        "judge": assessment.name,
        "verdict": verdict,
        "reviewer": assessment.source.source_id or "",
        "comment": (assessment.rationale or "").strip()[:_COMMENT_CHARACTERS] or None,
        "labelled_at": given,
        "source": "review app",
    }
    return Label.model_validate(known)


def _row(label: Label) -> LabelRow:
    """With `traced_at`: it is on the trace already."""
    return LabelRow(**label.model_dump(), traced_at=label.labelled_at)
