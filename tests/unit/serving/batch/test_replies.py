"""What a run says about its speed and cost, and the row of a reply."""

import pytest

from ragops.answers.llms.errors import ContextOverflow, ServerFault
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply
from ragops.serving.batch.replies import Generated, reply_row
from tests.support.llms import scripted

MODEL = Scripted.model_validate(scripted("m", price_per_million_output=2, price_per_second=0.5))
REPLY = Reply("text", "m", "scripted", 10, 1_000_000, 3.0, "stop")


def test_a_reply_costs_its_tokens_and_seconds() -> None:
    row = reply_row("r", REPLY, MODEL)
    assert (row.text, row.cost, row.error, row.is_refused) == ("text", pytest.approx(3.5), None, False)


@pytest.mark.parametrize(("error", "refused"), [(ServerFault("down"), False), (ContextOverflow("m", "long"), True)])
def test_a_failure_says_whether_another_attempt_makes_sense(error: ServerFault, refused: bool) -> None:
    row = reply_row("r", error, MODEL)
    assert (row.text, row.error, row.is_refused, row.cost) == (None, str(error), refused, 0)


def test_speed_is_for_each_gpu_and_cost_for_a_thousand_answers() -> None:
    speed, cost = Generated(100, 0, 5_000, 40_000, 2.5, 50.0, 4, "").lines()
    assert "2.00 rows/s" in speed and "800.0 tokens/s" in speed and "200.0 for each of 4 GPUs" in speed
    assert "for 1,000 answers 25.0000" in cost


def test_failures_are_counted_with_an_example() -> None:
    (*_, failed) = Generated(0, 3, 0, 0, 0.0, 1.0, 0, "Model m: down").lines()
    assert failed == "3 requests failed, for example: Model m: down"
