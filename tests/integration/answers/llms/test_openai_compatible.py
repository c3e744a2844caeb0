"""The served model against a real HTTP server."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragops.answers.llms.errors import (
    Busy,
    ContextOverflow,
    EmptyAnswer,
    Malformed,
    ModelFailure,
    Rejected,
    ServerFault,
    TimedOut,
    Unreachable,
)
from ragops.answers.llms.providers.openai_compatible import Access, OpenAICompatibleModel
from ragops.answers.llms.settings import OpenAICompatible
from ragops.answers.llms.types import Reply, Request, drain
from ragops.answers.prompts.types import Message
from tests.support.dialects import DATABRICKS, OPENAI
from tests.support.openai_double import Behaviour, serving

REQUEST = Request(
    (Message("system", "Be brief."), Message("user", "What is it?")), max_tokens=64, seed=7, stop=("END",)
)
Ask = Callable[[OpenAICompatibleModel, Request], Reply]


def asked_whole(model: OpenAICompatibleModel, request: Request) -> Reply:
    return model.generate(request)


def asked_in_pieces(model: OpenAICompatibleModel, request: Request) -> Reply:
    return drain(model.stream(request))


both = pytest.mark.parametrize("ask", [asked_whole, asked_in_pieces])


def model_at(url: str, token: Any = "the-token", **settings: Any) -> OpenAICompatibleModel:
    given = {"context_tokens": 4096, "timeout_s": 5.0} | settings
    use_case = OpenAICompatible(name="served", provider="openai_compatible", served_name="llama", base_url=url, **given)
    return OpenAICompatibleModel(use_case, Access(url, token))


@both
def test_what_is_sent_and_what_comes_back(ask: Ask) -> None:
    with serving() as double:
        reply = ask(model_at(double.url), REQUEST)
    assert reply.text.strip() == "The answer is 42 [1]."
    assert (reply.model, reply.provider, reply.finish_reason) == ("served", "openai_compatible", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 5)
    assert reply.seconds > 0
    (body,) = double.bodies  # no field that a strict server refuses: no seed where nothing is drawn, no stream_options
    assert double.headers[0]["Authorization"] == "Bearer the-token"
    assert body == ({"stream": True} if ask is asked_in_pieces else {}) | {
        "model": "llama",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?"}],
        "max_tokens": 64,
        "temperature": 0.0,
        "stop": ["END"],
    }


@both
def test_what_is_sent_to_a_server_that_is_not_so_strict(ask: Ask) -> None:
    with serving(dialect=OPENAI) as double:
        reply = ask(model_at(double.url), replace(REQUEST, temperature=0.5))
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 5)
    (body,) = double.bodies
    assert (body["temperature"], body["seed"]) == (0.5, 7)
    assert body.get("stream_options") == ({"include_usage": True} if ask is asked_in_pieces else None)


def test_a_stream_comes_in_pieces_none_of_them_empty() -> None:
    with serving() as double:
        assert list(model_at(double.url).stream(REQUEST)) == ["The ", "answer ", "is ", "42 ", "[1]. "]


@both
def test_fields_that_the_server_refuses_are_left_out_and_tokens_estimated_without_usage(ask: Ask) -> None:
    with serving(Behaviour(usage=False)) as double:
        model = model_at(double.url, omit=("seed", "temperature", "stream_options"))
        reply = ask(model, replace(REQUEST, temperature=0.5))
    assert len(double.bodies) == 1
    assert reply.completion_tokens == model.count_tokens(reply.text) > 0
    assert reply.prompt_tokens > 0


def test_a_schema_is_sent_as_a_response_format() -> None:
    schema = {"type": "object", "properties": {"verdict": {"enum": ["yes", "no"]}}}
    with serving(Behaviour(text='{"verdict": "yes"}')) as double:
        model_at(double.url).generate(Request(REQUEST.messages, response_schema=schema))
    sent = double.bodies[0]["response_format"]
    assert (sent["type"], sent["json_schema"]["schema"]) == ("json_schema", schema)


def test_each_request_has_a_fresh_token() -> None:
    tokens = iter(["first", "second"])
    with serving() as double:
        model = model_at(double.url, lambda: next(tokens))
        model.generate(REQUEST)
        drain(model.stream(REQUEST))
    assert [one["Authorization"] for one in double.headers] == ["Bearer first", "Bearer second"]


def test_without_a_token_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not for this server")
    with serving() as double:
        model_at(double.url, "").generate(REQUEST)
    assert "Authorization" not in double.headers[0]


@both
@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        (Behaviour(status=429, headers={"Retry-After": "7"}), Busy, "HTTP 429"),
        (Behaviour(status=500), ServerFault, "as told"),
        (Behaviour(status=503, headers={"Retry-After": "7"}), ServerFault, "HTTP 503"),
        (Behaviour(status=401), Rejected, "give a token"),
        (Behaviour(status=404), Rejected, "HTTP 404 as told; correct the use case's model"),
        (Behaviour(text=""), EmptyAnswer, "the answer is empty"),
        (Behaviour(text=" \n "), EmptyAnswer, "the answer is empty"),
        (Behaviour(raw="<html>a proxy</html>"), Malformed, ""),
        (Behaviour(raw="data: {not json}\n\n"), Malformed, ""),
        (Behaviour(raw='data: {"choices": [{"delta": 7}]}\n\n'), Malformed, ""),
        (Behaviour(raw="data: " + "[" * 200_000 + "\n\n"), Malformed, ""),
        (Behaviour(raw="data: [1]\n\n"), Malformed, ""),
        (Behaviour(raw="data: null\n\n"), Malformed, ""),
        (Behaviour(raw="data: [" + "9" * 5_000 + "]\n\n"), Malformed, ""),
        (Behaviour(raw='data: {"error": {"message": "out of memory"}}\n\n'), ModelFailure, ""),
        (Behaviour(status=400, error=DATABRICKS.too_long), ContextOverflow, "prompt token count (4595) cannot exceed"),
        (Behaviour(status=400, error=OPENAI.too_long), ContextOverflow, "resulted in 7575"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:60],
)
def test_what_goes_wrong_has_a_kind_and_one_line(
    ask: Ask, behaviour: Behaviour, kind: type[Exception], said: str
) -> None:
    with serving(behaviour) as double, pytest.raises(kind) as raised:
        ask(model_at(double.url), REQUEST)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("Model served")
    assert len(double.bodies) == 1
    assert getattr(raised.value, "retry_after_s", None) == (7 if behaviour.headers else None)


@pytest.mark.parametrize("header", ["Thu, 26 Nov 2026 08:00:00 GMT", "soon"])
def test_a_wait_that_is_no_number_counts_as_not_said(header: str) -> None:
    with serving(Behaviour(status=429, headers={"Retry-After": header})) as double, pytest.raises(Busy) as raised:
        model_at(double.url).generate(REQUEST)
    assert raised.value.retry_after_s is None


def test_which_of_them_may_pass() -> None:
    assert all(kind.retryable for kind in (Busy, ServerFault, TimedOut, Unreachable, Malformed))
    assert not any(kind.retryable for kind in (Rejected, EmptyAnswer))


@both
def test_a_server_that_is_not_there(ask: Ask) -> None:
    with serving() as double:
        gone = double.url
    with pytest.raises(Unreachable, match=r"Model served at http://127\.0\.0\.1.*check that it is up"):
        ask(model_at(gone), REQUEST)


@both
def test_a_slow_server(ask: Ask) -> None:
    with serving(Behaviour(delay_s=2)) as double, pytest.raises(TimedOut, match="raise timeout_s"):
        ask(model_at(double.url), Request(REQUEST.messages, timeout_s=0.2))


BLANK = json.dumps({"choices": [{"index": 0, "delta": {"content": " "}, "finish_reason": None}]})


@both
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("endless", [": keep-alive\n\n", f"data: {BLANK}\n\n", " "], ids=["comment", "blank", "space"])
def test_a_server_that_goes_on_and_on_with_nothing(ask: Ask, endless: str, status: int) -> None:
    with serving(Behaviour(endless=endless, status=status)) as double, pytest.raises(TimedOut, match="raise timeout_s"):
        ask(model_at(double.url, timeout_s=0.3), REQUEST)


def test_after_a_cut_the_next_answer_is_whole() -> None:
    with serving(Behaviour(endless=" "), Behaviour()) as double:
        model = model_at(double.url)
        with pytest.raises(TimedOut):
            model.generate(Request(REQUEST.messages, timeout_s=0.2))
        assert model.generate(REQUEST).text == "The answer is 42 [1]."


@pytest.mark.parametrize("cut_after", [0, 1, 3])
def test_a_stream_that_is_cut(cut_after: int) -> None:
    with serving(Behaviour(cut_after=cut_after)) as double, pytest.raises(ModelFailure) as raised:
        drain(model_at(double.url).stream(REQUEST))
    assert type(raised.value) in {Unreachable, Malformed}


@both
def test_an_error_that_is_cut(ask: Ask) -> None:
    with serving(Behaviour(status=500, cut_after=0)) as double, pytest.raises(Unreachable, match="check that it is up"):
        ask(model_at(double.url), REQUEST)


def test_a_stream_that_ends_without_saying_why_broke_off() -> None:
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "The"}, "finish_reason": None}]})
    with serving(Behaviour(raw=f"data: {chunk}\n\n")) as double, pytest.raises(Malformed, match="broke off"):
        drain(model_at(double.url).stream(REQUEST))


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_goes_where_a_server_sends_us_on_to(ask: Ask, status: int) -> None:
    with serving() as other:
        there = f"{other.url}/chat/completions"
        with serving(Behaviour(status=status, headers={"Location": there})) as double:
            with pytest.raises(Rejected, match=f"sends us on to {there}, where nothing was sent; correct") as raised:
                ask(model_at(double.url), REQUEST)
            assert len(double.bodies) == 1
    assert "\n" not in str(raised.value)
    assert other.headers == []


def test_a_redirect_to_no_address_is_refused_too() -> None:
    with serving(Behaviour(status=307)) as double, pytest.raises(Rejected):
        model_at(double.url).generate(REQUEST)


@both
def test_what_is_for_this_machine_takes_no_proxy(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving() as double:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/serving-endpoints"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        ask(model_at(double.url), REQUEST)
        assert (len(double.bodies), proxy.headers) == (1, [])
        with pytest.raises(ModelFailure):  # the proxy is there, and others' requests do take it
            ask(model_at("http://llm.invalid/v1"), REQUEST)
        assert len(proxy.headers) == 1


def test_what_does_not_fit_is_not_sent() -> None:
    long = Request((Message("user", "word " * 4000),), max_tokens=100)
    with (
        serving() as double,
        pytest.raises(ContextOverflow, match=r"6,675 tokens of prompt and 100 .* context of 4,096"),
    ):
        model_at(double.url).generate(long)
    assert double.bodies == []


def test_the_double_refuses_what_no_server_takes() -> None:
    with serving() as running:
        model = model_at(running.url, omit=())
        model._settings = model._settings.model_copy(update={"served_name": 7})
        with pytest.raises(Rejected, match="model is wanted"):
            model.generate(REQUEST)
