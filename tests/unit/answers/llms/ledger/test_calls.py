import pytest

from ragops.answers.llms.errors import Busy, Declined
from ragops.answers.llms.ledger.calls import CALLS, Call, cost
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply
from tests.support.llms import ME, ask, scripted

MODEL = Scripted.model_validate(scripted("m", price_per_million_input=2, price_per_million_output=4))
REPLY = Reply("a", "m", "scripted", 1_000_000, 500_000, 10.0, "stop")
# Tables that exist have these types: a change here needs a migration.
SCHEMA = (
    "`call_id` STRING, `called_at` TIMESTAMP, `who` STRING, `purpose` STRING, `model` STRING, `provider` STRING, "
    "`prompt_name` STRING, `prompt_version` STRING, `prompt_tokens` BIGINT, `completion_tokens` BIGINT, `cost` DOUBLE, "
    "`seconds` DOUBLE, `attempts` INT, `cached` BOOLEAN, `outcome` STRING, `error` STRING, `finish_reason` STRING, "
    "`fallback_of` STRING, `fallback_reason` STRING, `trace_id` STRING, `key_id` STRING, `payload` STRING"
)


def test_the_schema_of_the_table_does_not_change() -> None:
    assert CALLS.schema == SCHEMA


def test_an_answer_costs_its_tokens_or_the_seconds_of_a_gpu() -> None:
    assert cost(MODEL, REPLY) == pytest.approx(4.0)
    own = Scripted.model_validate(scripted("own", price_per_second=0.002))
    assert cost(own, REPLY) == pytest.approx(0.02)


def test_a_call_becomes_a_row_with_its_caller_model_and_outcome() -> None:
    call = Call(MODEL, ME, "primary", "Busy")
    call.attempts = 2
    row = call.answered(REPLY, ask(), None)
    assert (row.who, row.purpose, row.trace_id, row.model, row.provider) == (
        "me@firm",
        "ask",
        "trace-1",
        "m",
        "scripted",
    )
    assert (row.attempts, row.outcome, row.fallback_of, row.fallback_reason) == (
        2,
        "answered",
        "primary",
        "Busy",
    )
    assert call.ended("failed", ValueError()).error == "ValueError"


def test_a_reply_without_an_answer_costs_its_tokens() -> None:
    refusal = Declined("Model m: it declines")
    refusal.tokens = (1_000_000, 500_000)
    row = Call(MODEL, ME).ended("failed", refusal)
    assert (row.outcome, row.error, row.prompt_tokens, row.completion_tokens) == (
        "failed",
        "Declined",
        1_000_000,
        500_000,
    )
    assert row.cost == pytest.approx(4.0)
    assert Call(MODEL, ME).ended("failed", Busy("Model m: busy")).cost == 0
