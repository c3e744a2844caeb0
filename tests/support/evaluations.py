"""Results of variants with known figures, without asking any model."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.evaluation.retrieval import SettingsResult
from ragops.quality.evaluation.variants import Variant
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[2]
USE_CASE = load_usecase(ROOT / "usecase.yml")
TEMPLATES = load_templates(PromptSettings(), ROOT)
NOTHING = float("nan")


def row(number: int, supported: float, error: str | None = None) -> Row:
    values = dict.fromkeys(CHECKS, NOTHING) | ({} if error else {"answered": 1.0, "supported": supported})
    seconds = NOTHING if error else 0.5
    return Row(
        f"q{number}", f"topic{number}", f"Question {number}?", "An answer [1].", ("a.md",), values, seconds, error
    )


def call(tokens: int, cost: float = 0.0) -> CallRow:
    names = {"call_id": "c", "who": "w", "purpose": "ask", "model": "m", "provider": "scripted", "prompt_name": None}
    rest = {"prompt_version": None, "seconds": 0.1, "attempts": 1, "outcome": "answered", "trace_id": None}
    return CallRow(called_at=datetime.now(UTC), prompt_tokens=tokens, completion_tokens=1, cost=cost, **names, **rest)


def result(prompt: str, supported: Sequence[float], llm: str = "quotes", failed: int = 0) -> VariantResult:
    rows = [row(number, value) for number, value in enumerate(supported)]
    rows += [row(number, 0.0, "model quotes: it is down") for number in range(len(rows), len(rows) + failed)]
    calls = tuple(call(99, 0.001) for _ in supported)
    return VariantResult(Variant(prompt, llm, "weighted"), TEMPLATES[prompt], tuple(rows), calls)


def result_of(results: Sequence[SettingsResult], **settings: object) -> SettingsResult:
    """The first result whose settings have these values."""
    return next(one for one in results if all(getattr(one.settings, name) == value for name, value in settings.items()))
