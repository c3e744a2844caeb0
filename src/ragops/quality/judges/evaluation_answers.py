"""Answers to evaluation questions, asked for judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import Query
from ragops.errors import UserError
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import ObservedSink
from ragops.quality.questions import Question
from ragops.text import digest


def ask_questions(
    chain: Chain,
    sink: ObservedSink,
    questions: Sequence[Question],
    who: str,
    on_progress: Callable[[int], object] = lambda done: None,
) -> tuple[list[AnswerToJudge], list[str]]:
    """Asks each question.

    Args:
        chain: that answers.
        sink: of its gateway, which knows what each answer cost.
        questions: the questions, asked one after another.
        who: for the ledger.
        on_progress: called after each question with the number of questions done.

    Returns:
        The answers, each with an id of its content, so that the same one is judged once; and why others are missing.
    """
    answers, failed = [], []
    for number, question in enumerate(questions, start=1):
        with sink.observed() as calls:
            try:
                answer = chain.answer(Query(question.question, who=who))
            except UserError as error:
                failed.append(f"{question.question_id}: {error}")
            else:
                content = [question.question_id, answer.text, [one.text for one in answer.sources]]
                cost = sum(row.cost for row in calls)
                answers.append(AnswerToJudge.of(answer, question, f"resp_{digest(content)[:32]}", cost))
        on_progress(number)
    return answers, failed
