import math

import pytest

from ragops.evaluation.answers import CHECKS, Row
from ragops.evaluation.gate import Condition, Decision
from ragops.releases.promotion import Promotion, answered, show
from ragops.releases.registry import Version


def row(name: str, **values: float) -> Row:
    return Row(name, name, f"{name}?", "", (), dict.fromkeys(CHECKS, math.nan) | values, 1.0, None)


def test_the_endpoint_is_asked_what_was_answered_before() -> None:
    refused, unanswerable = row("refused", answered=0.0), row("unanswerable", abstained=0.0)
    assert answered([refused, unanswerable, row("first", answered=1.0), row("second", answered=1.0)]) == "first?"
    assert answered([refused, unanswerable]) == "refused?"


def test_the_last_line_says_all_however_many_conditions_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Condition(name, "at least 0.5", "0.1 [0.0, 0.2]", "not met") for name in CHECKS)
    promotion = Promotion(Version("m", "4", "r", "d"), Version("m", "3", "r", "d"), Decision(failed, better=False))
    show(promotion)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == str(promotion) and last.startswith("version 4 not promoted: ") and last.endswith("is version 3")
