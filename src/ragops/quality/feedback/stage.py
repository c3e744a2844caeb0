"""Collects the files of answers and verdicts into the tables `answers` and `feedback`."""

from __future__ import annotations

from typing import Any

from ragops.platform.collected import add, add_new, collected
from ragops.platform.merge import StageReport, merge
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.files import ANSWERS_FOLDER, FEEDBACK_FOLDER
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, AnswerRow, FeedbackRow, Verdict


def merge_answers(workspace: Workspace) -> StageReport:
    """Merges the files of answers into the table and removes them; a run that is killed in between adds nothing twice.

    The beginning of a file, which a killed server left, stays where it is. A file with anything else than an answer
    moves to the folder `unreadable`.

    Raises:
        UserError: the volume cannot be read or written, or another run changed the table at the same time.
    """
    report = StageReport("answers")
    with report.timed():
        ANSWERS.create(workspace)
        for rows in collected(workspace, ANSWERS_FOLDER, AnswerRow, "answer_id", report):
            add(workspace, ANSWERS, list(rows.values()), report)
    return report


def merge_feedback(workspace: Workspace) -> StageReport:
    """Merges the files of verdicts into the table, as `merge_answers` does, and joins them with their answers.

    Of two verdicts with one id the first counts; the other file moves to `unreadable`. A verdict on an answer that is
    not in the table `answers` is kept, and joined by a later run once it is.

    Raises:
        UserError: as `merge_answers`.
    """
    report = StageReport("feedback")
    with report.timed():
        FEEDBACK.create(workspace)
        for verdicts in collected(workspace, FEEDBACK_FOLDER, Verdict, "verdict_id", report):
            add_new(workspace, FEEDBACK, FEEDBACK_FOLDER, verdicts, Verdict.says_the_same, _bare, report)
        report.changed += _join_answers(workspace)
    return report


def _bare(verdict: Verdict) -> FeedbackRow:
    """The row of a verdict whose answer is not looked up yet."""
    unknown: dict[str, Any] = dict.fromkeys(set(FEEDBACK.names) - set(Verdict.model_fields))
    return FeedbackRow(**(unknown | verdict.model_dump() | {"known_answer": False}))


def _join_answers(workspace: Workspace) -> int:
    """Completes the verdicts whose answers have come; returns how many rows changed."""
    from pyspark.sql import functions as F

    unknown = FEEDBACK.read(workspace).where("NOT known_answer")
    if not unknown.take(1):
        return 0
    answers = ANSWERS.read(workspace)
    taken = ["question", "chain_name", "chain_version", "generation", "passages", "cited", "trace_id"]
    kept = [name for name in FEEDBACK.names if name not in (*taken, "known_answer")]
    rows = unknown.select(*kept).join(answers.select("answer_id", *taken), "answer_id")
    return merge(workspace, FEEDBACK, rows.withColumn("known_answer", F.lit(True))).updated
