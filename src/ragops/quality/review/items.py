"""What is known of the answers that could be reviewed, read from the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.merge import ids_frame
from ragops.platform.tables import Table, objects
from ragops.platform.workspace import Workspace
from ragops.quality.datasets.question_set import open_set
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, AnswerRow
from ragops.quality.judges.rows import GOOD_FROM, JUDGMENTS, Judgment
from ragops.quality.review.draw import Candidate, reviewers_needed
from ragops.quality.review.files import JudgeSaid, ReviewItem
from ragops.quality.review.rows import LabelRow
from ragops.usecase import UseCase
from ragops.usecase.evaluation import Evaluation, JudgeName

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Older answers were made by chains and from documents that nobody uses any more.
_REVIEWED_FOR = timedelta(days=30)


def candidates(workspace: Workspace) -> list[Candidate]:
    """The answers of the last 30 days in which there is anything to label."""
    from pyspark.sql import functions as F

    recent = F.col("asked_at") > F.lit(datetime.now(UTC) - _REVIEWED_FOR)
    something = F.col("abstained").isNull() | (F.size("passages") > 0)
    rows = ANSWERS.read(workspace).where(recent & something).select("answer_id")
    for found in (_judged(workspace), _thumbs(workspace)):
        rows = rows.join(found, "answer_id", "left")
    contradiction = (F.col("down") & F.col("all_good")) | (F.col("up") & ~F.col("all_good"))
    rows = rows.select(
        "answer_id",
        F.col("all_good").isNotNull().alias("judged"),
        F.coalesce(F.col("contradictory") | contradiction, F.lit(False)).alias("disagreement"),
        F.coalesce("down", F.lit(False)).alias("thumbs_down"),
    )
    return [Candidate(**row.asDict()) for row in rows.collect()]


def _judged(workspace: Workspace) -> DataFrame:
    """Of each scored answer whether all judges find it good, and whether versions of a judge contradict each other."""
    from pyspark.sql import functions as F

    scored = _rows(workspace, JUDGMENTS).where("state = 'scored'").withColumn("good", F.col("score") >= GOOD_FROM)
    each = scored.groupBy("answer_id", "judge").agg(F.min("good").alias("low"), F.max("good").alias("high"))
    differ = F.max(F.col("low") != F.col("high")).alias("contradictory")
    return each.groupBy("answer_id").agg(F.min("low").alias("all_good"), differ)


def _thumbs(workspace: Workspace) -> DataFrame:
    """Whether anybody's latest verdict on an answer is up, or down."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    latest = Window.partitionBy("answer_id", "who").orderBy(F.desc("given_at"), F.desc("verdict_id"))
    rows = _rows(workspace, FEEDBACK).withColumn("_age", F.row_number().over(latest)).where("_age = 1")
    ups = (F.max(F.col("verdict") == thumb).alias(thumb) for thumb in ("up", "down"))
    return rows.groupBy("answer_id").agg(*ups)


def _rows(workspace: Workspace, table: Table) -> DataFrame:
    """The table's rows; none if nothing was judged, or said, yet."""
    if workspace.spark.catalog.tableExists(workspace.table(table.name)):
        return table.read(workspace)
    return workspace.spark.createDataFrame([], table.schema)


def review_items(
    workspace: Workspace, use_case: UseCase, ids: Sequence[str], labelled_by: Mapping[str, Collection[str]]
) -> list[ReviewItem]:
    """The answers with everything that a reviewer, and the page, need, in the order of the ids.

    Args:
        workspace: where the tables are.
        use_case: its judges, reviewers and question set.
        ids: of answers.
        labelled_by: of each answer the reviewers who have labelled it.
    """
    if not ids:
        return []
    wanted = ids_frame(workspace, "answer_id", ids)
    answers = {
        one.answer_id: one for one in objects(AnswerRow, ANSWERS.read(workspace).join(wanted, "answer_id", "left_semi"))
    }
    said = newest_judgments(workspace, wanted)
    references = _references(use_case, said)
    items = []
    for key in ids:
        if answer := answers.get(key):
            own = [one for (answer_id, _), one in said.items() if answer_id == key]
            reference = next((references[one.question_id] for one in own if one.question_id in references), None)
            items.append(_item(answer, own, reference, use_case.evaluation, labelled_by.get(key, ())))
    return items


def newest_judgments(workspace: Workspace, wanted: DataFrame) -> dict[tuple[str, JudgeName], Judgment]:
    """The newest scored judgment of each answer and judge; `wanted` has the ids of the answers."""
    rows = _rows(workspace, JUDGMENTS).where("state = 'scored'").join(wanted, "answer_id", "left_semi")
    found = objects(Judgment, rows.orderBy("judged_at", "judgment_id"))
    return {(one.answer_id, one.judge): one for one in found}


def judged_by_version(workspace: Workspace) -> dict[JudgeName, list[dict[str, Judgment]]]:
    """Of each judge the scored judgments by answer, for each version, the one that judged last at the end."""
    rows = objects(Judgment, _rows(workspace, JUDGMENTS).where("state = 'scored'"))
    rows.sort(key=lambda one: (one.judged_at, one.judgment_id))
    versions: dict[tuple[JudgeName, str], dict[str, Judgment]] = {}
    for one in rows:
        own = versions.pop((one.judge, one.judge_version), {})
        own[one.answer_id] = one
        versions[one.judge, one.judge_version] = own
    found: dict[JudgeName, list[dict[str, Judgment]]] = {}
    for (judge, _), answers in versions.items():
        found.setdefault(judge, []).append(answers)
    return found


def _item(
    answer: AnswerRow,
    said: Iterable[Judgment],
    reference: str | None,
    evaluation: Evaluation,
    labelled_by: Collection[str],
) -> ReviewItem:
    return ReviewItem(
        answer_id=answer.answer_id,
        question=answer.standalone,
        answer=answer.answer,
        passages=tuple(answer.passages),
        numbers=None if answer.numbers is None else tuple(answer.numbers),
        cited=tuple(answer.cited),
        reference=reference,
        dimensions=tuple(one for one in evaluation.judges if _applies(one, answer, reference)),
        judges=tuple(
            JudgeSaid(judge=one.judge, verdict=one.verdict or "", good=bool(one.good), reason=one.reason)
            for one in sorted(said, key=lambda one: one.judge)
        ),
        labelled_by=tuple(sorted(labelled_by)),
        needed=reviewers_needed(answer.answer_id, len(evaluation.reviewers)),
    )


def _applies(judge: JudgeName, answer: AnswerRow, reference: str | None) -> bool:
    """As `Judge.why_not`: an abstention states nothing, and nothing can be compared with what is not there."""
    if judge == "context_relevance":
        return bool(answer.passages)
    if answer.abstained or (judge == "groundedness" and not answer.passages):
        return False
    return judge != "correctness" or reference is not None


def _references(use_case: UseCase, said: Mapping[tuple[str, JudgeName], Judgment]) -> dict[str | None, str]:
    """Right answers by question id, where evaluation questions are among the answers and the set can be read."""
    if "correctness" not in use_case.evaluation.judges or not any(one.question_id for one in said.values()):
        return {}
    try:
        questions = open_set(use_case).questions
    except UserError:  # a job that measures with it gets the error; labels of the other dimensions need no set
        return {}
    return {one.question_id: one.reference for one in questions if one.reference}


def counted(labels: Iterable[LabelRow], reviewers: Collection[str]) -> list[LabelRow]:
    """The labels that count: by reviewers of the use case, and of each one's for an answer and judge the first.

    Later ones were given after the reviewer had seen what the judge said.
    """
    first: dict[tuple[str, str, str], LabelRow] = {}
    for one in sorted(labels, key=lambda one: (one.labelled_at, one.label_id)):
        if one.reviewer in reviewers:
            first.setdefault((one.answer_id, one.judge, one.reviewer), one)
    return list(first.values())


def answers_labelled(labels: Iterable[LabelRow]) -> Counter[str]:
    """How many answers each reviewer has labelled."""
    return Counter(reviewer for reviewer, _ in {(one.reviewer, one.answer_id) for one in labels})
