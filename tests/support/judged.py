"""Answers with known values, and judgments of them, without asking any model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from ragops.quality.evaluation.answers import CHECKS, Passage, Row
from ragops.quality.judges.rows import Judgment, State
from ragops.quality.questions import Question

MODEL = "served"


def asked(names: Sequence[str]) -> list[Question]:
    return [
        Question(question_id=name, question=f"{name}?", kind="k", topic=name, anchor="a", answer=f"the {name} one")
        for name in names
    ]


def answer(name: str, supported: float = 1.0, error: str | None = None) -> Row:
    """With a cited passage, 1,000 tokens read, 100 written, 0.5 s."""
    nothing = dict.fromkeys(CHECKS, math.nan)
    values = nothing if error else nothing | {"answered": 1.0, "supported": supported}
    cited = (Passage("a.md", "from the passage itself", True),)
    known = {"model": "" if error else MODEL, "prompt_tokens": 1000, "completion_tokens": 100}
    seconds = math.nan if error else 0.5
    return Row(name, name, f"{name}?", f"{name}!", ("a.md",), values, seconds, error, passages=cited,
               answer_id=f"id {name}", **known)  # fmt: skip


def judgment(
    name: str,
    score: float | None,
    judge: str = "groundedness",
    state: State = "unparsed",
    version: str = "v1",
    cached: bool = False,
) -> Judgment:
    """Of the answer `name`; without a score in that state. It cost 0.01, for 500 tokens read and 20 written."""
    known = {"judgment_id": f"{judge} {name}", "inputs": f"{judge} {name}", "answer_id": f"id {name}", "question": "?"}
    rest = {"question_id": name, "cluster": name, "model": "m", "details": None, "reason": f"of {name}"}
    cost = {} if cached else {"cost": 0.01, "input_tokens": 500, "output_tokens": 20}
    verdict = None if score is None else "yes" if score == 1 else "no"
    return Judgment(**known, **rest, **cost, judge=judge, judge_version=version, score=score, verdict=verdict,
                    state=state if score is None else "scored", cached=cached, judged_at=datetime.now(UTC))  # fmt: skip
