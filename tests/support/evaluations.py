"""Variants that were tried, made by hand: answers whose figures are known."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ragops.answers.llms.ledger.ledger import CallRow
from ragops.answers.prompts.catalogue import PromptSettings, load_templates
from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.comparison import Tried
from ragops.quality.evaluation.variants import Variant

TEMPLATES = load_templates(PromptSettings(), Path(__file__).parents[2])
NOTHING = float("nan")


def row(number: int, supported: float, error: str | None = None) -> Row:
    values = dict.fromkeys(CHECKS, NOTHING) | ({} if error else {"answered": 1.0, "supported": supported})
    seconds = NOTHING if error else 0.5
    return Row(
        f"q{number}", f"topic{number}", f"Question {number}?", "An answer [1].", ("a.md",), values, seconds, error
    )


def call(tokens: int, cost: float = 0.0) -> CallRow:
    result = {"call_id": "c", "who": "w", "purpose": "ask", "model": "m", "provider": "scripted", "prompt_name": None}
    rest = {"prompt_version": None, "seconds": 0.1, "attempts": 1, "outcome": "answered", "trace_id": None}
    return CallRow(called_at=datetime.now(UTC), prompt_tokens=tokens, completion_tokens=1, cost=cost, **result, **rest)


def tried(prompt: str, supported: Sequence[float], llm: str = "quotes", failed: int = 0) -> Tried:
    rows = [row(number, value) for number, value in enumerate(supported)]
    rows += [row(number, 0.0, "model quotes: it is down") for number in range(len(rows), len(rows) + failed)]
    calls = tuple(call(99, 0.001) for _ in supported)
    return Tried(Variant(prompt, llm, "weighted"), TEMPLATES[prompt], tuple(rows), calls)
