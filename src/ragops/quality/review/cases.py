"""Labelled answers as cases for aligning a judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.index.access import groups_of
from ragops.platform.merge import ids_frame
from ragops.platform.workspace import Workspace
from ragops.quality.datasets.question_set import open_set
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.judges.align import Case
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.live import answers_to_judge
from ragops.quality.judges.rows import Judgment
from ragops.quality.questions import Question
from ragops.quality.review.agreement import drawn_strata, opinions
from ragops.quality.review.items import counted, newest_judgments
from ragops.quality.review.rows import LabelRow
from ragops.quality.review.stage import read_labels
from ragops.usecase import UseCase
from ragops.usecase.evaluation import JudgeName


def labelled_cases(workspace: Workspace, use_case: UseCase, judge: JudgeName) -> list[Case]:
    """The answers that most reviewers call good, or bad, in a judge's dimension, in the order of their ids.

    Raises:
        UserError: a table, or the question set, cannot be read.
    """
    labels = [one for one in counted(read_labels(workspace), use_case.evaluation.reviewers) if one.judge == judge]
    people = {key: one.good for key, one in opinions(labels).get(judge, {}).items() if one.good is not None}
    if not people:
        return []
    wanted = ids_frame(workspace, "answer_id", sorted(people))
    rows = ANSWERS.read(workspace).join(wanted, "answer_id", "left_semi").orderBy("answer_id").collect()
    answers = [row.asDict() for row in rows]
    questions = _questions(use_case, newest_judgments(workspace, wanted))
    open_to_all = _for_everybody(workspace, use_case, answers)
    strata, comments = drawn_strata(workspace), _comments(labels, people)
    return [
        Case(
            item=_of_question(item, questions.get(item.answer_id)),
            good=people[item.answer_id],
            comment=comments.get(item.answer_id),
            at_random=strata.get(item.answer_id) == "random",
            shareable=item.answer_id in open_to_all,
        )
        for item in answers_to_judge(workspace, answers)
    ]


def _comments(labels: Sequence[LabelRow], people: Mapping[str, bool]) -> dict[str, str]:
    """A comment on each answer, by somebody who says what most say."""
    agreeing = (one for one in labels if one.comment and people.get(one.answer_id) == (one.verdict == "good"))
    return {one.answer_id: one.comment or "" for one in agreeing}


def _questions(use_case: UseCase, said: Mapping[tuple[str, JudgeName], Judgment]) -> dict[str, Question]:
    """The evaluation questions that were answered, by answer."""
    asked = {answer_id: one.question_id for (answer_id, _), one in said.items() if one.question_id}
    if not asked:
        return {}
    known = {one.question_id: one for one in open_set(use_case).questions}
    return {answer_id: known[question_id] for answer_id, question_id in asked.items() if question_id in known}


def _of_question(item: AnswerToJudge, question: Question | None) -> AnswerToJudge:
    """With what is known of the evaluation question that was answered."""
    if question is None:
        return item
    return replace(item, question_id=question.question_id, reference=question.reference, cluster=question.cluster)


def _for_everybody(workspace: Workspace, use_case: UseCase, answers: Sequence[Mapping[str, Any]]) -> set[str]:
    """The answers whose passages no rule of the use case restricts."""
    ids = sorted({chunk for row in answers for chunk in row["passages"]})
    if not ids:
        return {row["answer_id"] for row in answers}
    wanted = ids_frame(workspace, "chunk_id", ids)
    rows = CHUNKS.read(workspace).join(wanted, "chunk_id", "left_semi").select("chunk_id", "path").collect()
    groups = groups_of(use_case.corpus.access)
    free = {row["chunk_id"] for row in rows if not groups(row["path"])}
    return {row["answer_id"] for row in answers if set(row["passages"]) <= free}
