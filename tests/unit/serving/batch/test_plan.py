"""What a dry run says."""

import pytest

from ragops.serving.batch.plan import Expectation

MEASURED = Expectation(
    rows=100, to_answer=50, refused=10, measured=7, tokens_read=1000.0, tokens_written=50.0, seconds=0.5,
    cost=0.002, at_once=1, unit="GPU",
)  # fmt: skip


def test_measured_answers_give_tokens_cost_and_speed() -> None:
    rows, tokens, cost, speed = MEASURED.lines()
    assert rows == "100 rows: 50 questions to answer, 10 of them refused"
    assert tokens.startswith("tokens: 40,000 read, 2,000 written") and "7 answers" in tokens
    assert cost == "cost: 0.0800; for 1,000 answers 2.0000"
    assert speed == "speed: 2.00 rows/s, 100.0 tokens/s for each GPU"


@pytest.mark.parametrize("cost", [None, 0.1])
def test_without_measurements_tokens_are_limits_and_the_speed_is_unknown(cost: float | None) -> None:
    unknown = Expectation(100, 50, 10, 0, 1000.0, 50.0, None, cost, 4, "request")
    rows, tokens, said, speed = unknown.lines()
    assert "at most" in tokens and "unknown" in speed
    assert ("unknown" in said) == (cost is None)


def test_requests_at_once_answer_faster() -> None:
    (*_, speed) = Expectation(1, 1, 0, 7, 1.0, 50.0, 0.5, 0.1, 4, "request").lines()
    assert speed == "speed: 8.00 rows/s, 400.0 tokens/s with 4 requests at once"
