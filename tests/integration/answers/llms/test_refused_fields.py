"""A field that the server refuses is omitted: the request is repeated without it, and later ones never have it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ragops.answers.llms.errors import ContextOverflow, Rejected, ServerFault, TimedOut
from ragops.answers.llms.providers.openai_compatible import Access, OpenAICompatibleModel
from ragops.answers.llms.settings import OPTIONAL, OpenAICompatible
from ragops.answers.llms.types import Reply, Request, drain
from ragops.answers.prompts.types import Message
from tests.support.dialects import COMMON, DIALECTS, OPENAI, Dialect
from tests.support.openai_double import Behavior, serving

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
# Every optional field at once.
REQUEST = Request(
    (Message("user", "What is it?"),), max_tokens=64, temperature=0.5, seed=7, stop=("[1]",), response_schema=SCHEMA
)
Ask = Callable[[OpenAICompatibleModel, Request], Reply]
WAYS: dict[str, Ask] = {
    "whole": lambda model, request: model.generate(request),
    "streamed": lambda model, request: drain(model.stream(request)),
}
both = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS.keys())
everywhere = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())


def model_at(url: str, **settings: Any) -> OpenAICompatibleModel:
    given = {"context_tokens": 4096, "timeout_s": 60.0, "base_url": url} | settings
    use_case = OpenAICompatible(name="served", provider="openai_compatible", served_name="llama", **given)
    return OpenAICompatibleModel(use_case, Access(url, "the-token"))


@both
@everywhere
@pytest.mark.parametrize("field", OPTIONAL)
def test_a_refused_optional_field_is_omitted(ask: Ask, dialect: Dialect, field: str) -> None:
    with serving(dialect=dialect, refuses=frozenset({field})) as double:
        model = model_at(double.url)
        first, refused = ask(model, REQUEST), len(double.bodies) - 1
        second = ask(model, REQUEST)
    assert first.text.split() == second.text.split()
    assert refused <= len(OPTIONAL)
    assert len(double.bodies) == refused + 2, "the second request was accepted at once"
    assert field not in double.bodies[-1]


@both
@everywhere
def test_all_optional_fields_can_be_refused_together(ask: Ask, dialect: Dialect) -> None:
    with serving(Behavior(text="It is 42"), dialect=dialect, refuses=frozenset(OPTIONAL)) as double:
        assert ask(model_at(double.url), REQUEST).text == "It is 42"
    assert double.bodies[-1].keys() == {"model", "messages"}


@both
@everywhere
@pytest.mark.parametrize("field", ["model", "messages"])
def test_a_refused_required_field_is_rejected(ask: Ask, dialect: Dialect, field: str) -> None:
    with (
        serving(dialect=dialect, refuses=frozenset({field})) as double,
        pytest.raises(Rejected, match=f"refuses the required field {field} ") as raised,
    ):
        ask(model_at(double.url, omit=OPTIONAL), REQUEST)
    assert len(double.bodies) == 1
    assert "\n" not in str(raised.value)


@both
def test_an_omitted_field_is_logged_once(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with serving(refuses=frozenset({"temperature"})) as double, caplog.at_level(logging.WARNING):
        model = model_at(double.url)
        for _ in range(2):
            ask(model, replace(REQUEST, seed=0))
    result = [record.getMessage() for record in caplog.records if "temperature" in record.getMessage()]
    assert result == [f"Model served at {double.url}: it refuses the field temperature, which is omitted from now on"]


def test_max_tokens_is_sent_as_max_completion_tokens_if_refused() -> None:
    with serving(dialect=OPENAI, refuses=frozenset({"max_tokens"})) as double:
        model_at(double.url).generate(REQUEST)
    assert [body.get("max_completion_tokens") for body in double.bodies] == [None, 64]


@both
def test_stop_texts_are_applied_here_if_the_server_refuses_them(ask: Ask) -> None:
    with serving(Behavior(text="It is 42. [1] And so on."), refuses=frozenset({"stop"})) as double:
        assert ask(model_at(double.url), REQUEST).text == "It is 42. "


@both
@everywhere
def test_a_prompt_too_long_for_the_server_is_a_context_overflow(ask: Ask, dialect: Dialect) -> None:
    behavior = Behavior(status=dialect.status, error=dialect.too_long)
    with serving(behavior, dialect=dialect) as double, pytest.raises(ContextOverflow, match="fewer passages"):
        ask(model_at(double.url, omit=tuple(set(OPTIONAL) - COMMON)), REQUEST)
    assert len(double.bodies) == 1


@both
def test_all_repetitions_share_the_time_limit_of_the_request(ask: Ask) -> None:
    with (
        serving(Behavior(endless=" "), refuses=frozenset({"temperature"})) as double,
        pytest.raises(TimedOut, match="raise timeout_s"),
    ):
        ask(model_at(double.url, timeout_s=0.3, omit=("seed",)), REQUEST)
    assert len(double.bodies) == 2


QUOTES_THE_PROMPT = {"error": {"message": "The policy forbids this text: 'unsupported: stop, seed, stream'"}}


@both
def test_a_refusal_that_quotes_the_prompt_omits_no_field(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    refused = False

    def answer(body: dict[str, Any]) -> Behavior:
        return Behavior(status=400, error=QUOTES_THE_PROMPT) if refused else Behavior()

    with serving(answer=answer, dialect=OPENAI) as double, caplog.at_level(logging.WARNING):
        model = model_at(double.url)
        ask(model, REQUEST)
        refused = True
        with pytest.raises(Rejected, match="HTTP 400 The policy forbids this text"):
            ask(model, REQUEST)
        refused = False
        ask(model, REQUEST)
    assert double.bodies[-1].keys() == double.bodies[0].keys()
    assert not [record for record in caplog.records if "omitted" in record.getMessage()]


@both
def test_a_refusal_of_a_field_that_was_not_sent_is_final(ask: Ask) -> None:
    refusal = {"error": {"message": "Unknown parameter: 'seed'.", "param": "seed", "code": "unknown_parameter"}}
    with (
        serving(Behavior(status=400, error=refusal), dialect=OPENAI) as double,
        pytest.raises(Rejected, match="Unknown parameter: 'seed'"),
    ):
        ask(model_at(double.url), replace(REQUEST, temperature=0.0))
    assert len(double.bodies) == 1


@both
def test_threads_share_what_the_server_refuses(ask: Ask) -> None:
    refused = frozenset({"temperature", "seed", "response_format"})
    with serving(dialect=OPENAI, refuses=refused) as double, ThreadPoolExecutor(8) as pool:
        model = model_at(double.url)
        texts = {reply.text.strip() for reply in pool.map(lambda _: ask(model, REQUEST), range(16))}
        asked = len(double.bodies)
        ask(model, REQUEST)
    assert len(texts) == 1
    assert asked <= 16 * (len(refused) + 1) and len(double.bodies) == asked + 1


def test_an_error_inside_a_stream_is_not_repeated() -> None:
    begun = 'data: {"choices": [{"index": 0, "delta": {"content": "It is"}}]}\n\n'
    error = 'data: {"error": {"message": "Unsupported parameter: \'stop\'", "code": "unsupported_parameter"}}\n\n'
    with serving(Behavior(raw=begun + error), dialect=OPENAI) as double:
        pieces = model_at(double.url).stream(REQUEST)
        assert next(pieces) == "It is"
        with pytest.raises(ServerFault, match="Unsupported parameter: 'stop'"):
            next(pieces)
    assert len(double.bodies) == 1
