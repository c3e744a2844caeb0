"""Questions to learn from, and questions held back: what was learnt is worth what it is on questions it never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ragops.errors import UserError
from ragops.quality.questions import Question


def halves(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Both halves in the questions' order, each with answerable ones and, where there are several, others.

    All questions about one topic are in one half: two that the same passage answers are no evidence of each other. The
    same topics are divided in the same way whenever they are.

    Raises:
        UserError: the answerable ones are about fewer than two topics.
    """
    topics = {one.topic for one in questions if one.topic is not None}
    if len(topics) < 2:
        raise UserError(
            "optimize: the questions with an answer are about fewer than two topics; ask more with --questions, or add "
            "some to evaluation.questions"
        )
    others = {one.question_id for one in questions if not one.answerable}
    learnt = _every_other(topics) | _every_other(others)
    first = [one for one in questions if (one.topic or one.question_id) in learnt]
    return first, [one for one in questions if (one.topic or one.question_id) not in learnt]


def _every_other(names: set[str]) -> set[str]:
    """In an order that has nothing to do with the names, and is the same each time."""
    return set(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[::2])
