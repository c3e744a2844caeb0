"""Answers and verdicts for tests."""

import uuid
from datetime import UTC, datetime
from typing import Any

from ragops.quality.feedback.review import Passage, Reviewed
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


ID = "0a0a0a0a-0000-4000-8000-00000000000"


def reviewed(number: int = 0, **fields: Any) -> Reviewed:
    """A thumbs down as it is read back from the tables."""
    known: dict[str, Any] = {
        "verdict_id": f"{ID}{number}",
        "answer_id": f"resp_{'0' * 32}",
        "given_at": datetime(2026, 11, 30, 12, 5, tzinfo=UTC),
        "who": "reader@firm",
        "verdict": "down",
        "reason": "wrong",
        "comment": "It says the opposite.",
        "question": "How do I open a file?",
        "answer": "With open [1].",
        "chain_name": "help",
        "chain_version": "3",
        "generation": "g-1",
        "passages": (Passage("c1", True, "io.md", "open() opens"), Passage("c2", False, None, None)),
    }
    return Reviewed(**(known | fields))
