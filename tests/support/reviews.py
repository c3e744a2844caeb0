"""Drawn answers, labels and judgments for tests."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ragops.quality.judges.rows import Judgment
from ragops.quality.review.files import JudgeSaid, ReviewItem, ReviewQueue
from ragops.quality.review.rows import Label, LabelRow

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def an_item(**fields: Any) -> ReviewItem:
    """A drawn answer from one passage of `tests.support.served`, with an id of its own."""
    known: dict[str, Any] = {
        "answer_id": f"resp_{uuid.uuid4().hex}",
        "question": "When does the ferry leave?",
        "answer": "At twenty to eight [1].",
        "passages": ("chunk-1",),
        "numbers": (1,),
        "cited": ("chunk-1",),
        "reference": None,
        "dimensions": ("groundedness", "answer_relevance"),
        "judges": (JudgeSaid(judge="groundedness", verdict="no", good=False, reason="It names no time."),),
        "labelled_by": (),
        "needed": 1,
    }
    return ReviewItem(**(known | fields))


def a_queue(items: Sequence[ReviewItem], **fields: Any) -> ReviewQueue:
    return ReviewQueue(**({"made_at": NOON, "items": tuple(items), "labelled": {}} | fields))


def a_label(answer_id: str, **fields: Any) -> Label:
    known: dict[str, Any] = {
        "label_id": str(uuid.uuid4()),
        "answer_id": answer_id,
        "judge": "groundedness",
        "verdict": "good",
        "reviewer": "jane",
        "comment": None,
        "labelled_at": NOON,
    }
    return Label(**(known | fields))


def a_row(answer_id: str, **fields: Any) -> LabelRow:
    return LabelRow(**a_label(answer_id, **fields).model_dump(), traced_at=None)


def a_judgment(answer_id: str, good: bool = True, **fields: Any) -> Judgment:
    known: dict[str, Any] = {
        "judgment_id": uuid.uuid4().hex,
        "inputs": uuid.uuid4().hex,
        "answer_id": answer_id,
        "question_id": None,
        "question": "When does the ferry leave?",
        "cluster": answer_id,
        "judge": "groundedness",
        "judge_version": "v1",
        "model": "small",
        "state": "scored",
        "verdict": "yes" if good else "no",
        "score": float(good),
        "reason": "So it says.",
        "details": None,
        "judged_at": NOON,
    }
    return Judgment(**(known | fields))
