import math

from ragops.evaluation.answers import CHECKS, Row
from ragops.releases.promotion import answered


def row(name: str, **values: float) -> Row:
    return Row(name, name, f"{name}?", "", (), dict.fromkeys(CHECKS, math.nan) | values, 1.0, None)


def test_the_endpoint_is_asked_what_was_answered_before() -> None:
    refused, unanswerable = row("refused", answered=0.0), row("unanswerable", abstained=0.0)
    assert answered([refused, unanswerable, row("first", answered=1.0), row("second", answered=1.0)]) == "first?"
    assert answered([refused, unanswerable]) == "refused?"
