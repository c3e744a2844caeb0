"""Answers and verdicts for tests."""

import uuid
from datetime import UTC, datetime
from typing import Any

from ragops.quality.feedback.rows import AnswerRow, Verdict


def an_answer(**fields: Any) -> AnswerRow:
    """An answer with an id of its own."""
    known: dict[str, Any] = {
        "answer_id": f"resp_{uuid.uuid4().hex}",
        "asked_at": datetime.now(UTC),
        "who": "asker@firm",
        "question": "How do I open a file?",
        "standalone": "How do I open a file?",
        "answer": "With open [1].",
        "abstained": None,
        "model": "quotes",
        "prompt": "answer-0123456789",
        "chain_name": "help",
        "chain_version": "working copy",
        "generation": "g-1",
        "passages": ["chunk-1", "chunk-2"],
        "cited": ["chunk-1"],
        "trace_id": None,
        "seconds": 0.5,
    }
    return AnswerRow(**(known | fields))


def a_verdict(answer: AnswerRow | None = None, **fields: Any) -> Verdict:
    """A verdict on an answer, by default on one that nobody knows, with an id of its own."""
    known: dict[str, Any] = {
        "verdict_id": str(uuid.uuid4()),
        "answer_id": (answer or an_answer()).answer_id,
        "verdict": "down",
        "reason": "wrong",
        "comment": "It says the opposite.",
        "who": "reader@firm",
        "given_at": datetime.now(UTC),
    }
    return Verdict(**(known | fields))
