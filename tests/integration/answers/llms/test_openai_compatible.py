"""The OpenAI-compatible provider against a real HTTP server."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragops.answers.llms.errors import (
    Busy,
    ContextOverflow,
    Declined,
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
from tests.support.openai_double import Behavior, serving

REQUEST = Request(
    (Message("system", "Be brief."), Message("user", "What is it?")), max_tokens=64, seed=7, stop=("END",)
)
Ask = Callable[[OpenAICompatibleModel, Request], Reply]


def generate(model: OpenAICompatibleModel, request: Request) -> Reply:
    return model.generate(request)


def stream(model: OpenAICompatibleModel, request: Request) -> Reply:
    return drain(model.stream(request))


both = pytest.mark.parametrize("ask", [generate, stream])


def model_at(url: str, token: Any = "the-token", **settings: Any) -> OpenAICompatibleModel:
    given = {"context_tokens": 4096, "timeout_s": 60.0} | settings
    use_case = OpenAICompatible(name="served", provider="openai_compatible", served_name="llama", base_url=url, **given)
    return OpenAICompatibleModel(use_case, Access(url, token))


@both
def test_a_databricks_server_gets_only_fields_that_it_accepts(ask: Ask) -> None:
    with serving() as double:
        reply = ask(model_at(double.url), REQUEST)
    assert reply.text.strip() == "The answer is 42 [1]."
    assert (reply.model, reply.provider, reply.finish_reason) == ("served", "openai_compatible", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 5)
    assert reply.seconds > 0
    (body,) = double.bodies  # nothing a strict server refuses: no seed without sampling, no stream_options
    assert double.headers[0]["Authorization"] == "Bearer the-token"
    assert body == ({"stream": True} if ask is stream else {}) | {
        "model": "llama",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?"}],
        "max_tokens": 64,
        "temperature": 0.0,
        "stop": ["END"],
    }


@both
def test_an_openai_server_gets_all_fields(ask: Ask) -> None:
    with serving(dialect=OPENAI) as double:
        reply = ask(model_at(double.url), replace(REQUEST, temperature=0.5))
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 5)
    (body,) = double.bodies
    assert (body["temperature"], body["seed"]) == (0.5, 7)
    assert body.get("stream_options") == ({"include_usage": True} if ask is stream else None)


def test_a_stream_has_no_empty_pieces() -> None:
    with serving() as double:
        assert list(model_at(double.url).stream(REQUEST)) == ["The ", "answer ", "is ", "42 ", "[1]. "]


@both
def test_omitted_fields_are_not_sent_and_tokens_are_estimated_without_usage(ask: Ask) -> None:
    with serving(Behavior(usage=False)) as double:
        model = model_at(double.url, omit=("seed", "temperature", "stream_options"))
        reply = ask(model, replace(REQUEST, temperature=0.5))
    assert len(double.bodies) == 1
    assert reply.completion_tokens == model.count_tokens(reply.text) > 0
    assert reply.prompt_tokens > 0


def test_a_schema_is_sent_as_a_response_format() -> None:
    schema = {"type": "object", "properties": {"verdict": {"enum": ["yes", "no"]}}}
    with serving(Behavior(text='{"verdict": "yes"}')) as double:
        model_at(double.url).generate(Request(REQUEST.messages, response_schema=schema))
    sent = double.bodies[0]["response_format"]
    assert (sent["type"], sent["json_schema"]["schema"]) == ("json_schema", schema)


@pytest.mark.parametrize(
    "behavior",
    [Behavior(refusal="I can't help with that."), Behavior(text="", finish="content_filter")],
    ids=["in its own words", "by a filter"],
)
def test_declining_differs_from_an_empty_answer_and_its_tokens_are_known(behavior: Behavior) -> None:
    with serving(behavior) as double, pytest.raises(Declined, match="declines to answer") as raised:
        model_at(double.url).generate(REQUEST)
    assert raised.value.tokens[0] == 5, "the prompt's tokens, as the server counts them"
    assert len(double.bodies) == 1


def test_a_filter_that_refuses_a_prompt_differs_from_a_wrong_parameter() -> None:
    error = {
        "error": {"message": "The response was filtered by the content management policy", "code": "content_filter"}
    }
    with serving(Behavior(status=400, error=error)) as double, pytest.raises(Declined, match="HTTP 400"):
        model_at(double.url).generate(REQUEST)


def test_an_empty_answer_has_its_price() -> None:
    with serving(Behavior(text="")) as double, pytest.raises(EmptyAnswer) as raised:
        model_at(double.url).generate(REQUEST)
    assert raised.value.tokens == (5, 0)


def test_each_request_has_a_fresh_token() -> None:
    tokens = iter(["first", "second"])
    with serving() as double:
        model = model_at(double.url, lambda: next(tokens))
        model.generate(REQUEST)
        drain(model.stream(REQUEST))
    assert [one["Authorization"] for one in double.headers] == ["Bearer first", "Bearer second"]


def test_without_a_token_no_authorization_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not for this server")
    with serving() as double:
        model_at(double.url, "").generate(REQUEST)
    assert "Authorization" not in double.headers[0]


@both
@pytest.mark.parametrize(
    ("behavior", "kind", "words"),
    [
        (Behavior(status=429, headers={"Retry-After": "7"}), Busy, "HTTP 429"),
        (Behavior(status=500), ServerFault, "scripted failure"),
        (Behavior(status=503, headers={"Retry-After": "7"}), ServerFault, "HTTP 503"),
        (Behavior(status=401), Rejected, "use a token"),
        (Behavior(status=404), Rejected, "HTTP 404 scripted failure; correct"),
        (Behavior(text=""), EmptyAnswer, "empty answer"),
        (Behavior(text=" \n "), EmptyAnswer, "empty answer"),
        (Behavior(raw="<html>a proxy</html>"), Malformed, ""),
        (Behavior(raw="data: {not json}\n\n"), Malformed, ""),
        (Behavior(raw='data: {"choices": [{"delta": 7}]}\n\n'), Malformed, ""),
        (Behavior(raw="data: " + "[" * 200_000 + "\n\n"), Malformed, ""),
        (Behavior(raw="data: [1]\n\n"), Malformed, ""),
        (Behavior(raw="data: null\n\n"), Malformed, ""),
        (Behavior(raw="data: [" + "9" * 5_000 + "]\n\n"), Malformed, ""),
        (Behavior(raw='data: {"error": {"message": "out of memory"}}\n\n'), ModelFailure, ""),
        (Behavior(status=400, error=DATABRICKS.too_long), ContextOverflow, "prompt token count (4595) cannot exceed"),
        (Behavior(status=400, error=OPENAI.too_long), ContextOverflow, "resulted in 7575"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:60],
)
def test_each_failure_has_its_error_type_and_a_one_line_message(
    ask: Ask, behavior: Behavior, kind: type[Exception], words: str
) -> None:
    with serving(behavior) as double, pytest.raises(kind) as raised:
        ask(model_at(double.url), REQUEST)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("Model served")
    assert len(double.bodies) == 1
    assert getattr(raised.value, "retry_after_s", None) == (7 if behavior.headers else None)


@pytest.mark.parametrize("header", ["Thu, 26 Nov 2026 08:00:00 GMT", "soon"])
def test_a_retry_after_that_is_not_a_number_is_ignored(header: str) -> None:
    with serving(Behavior(status=429, headers={"Retry-After": header})) as double, pytest.raises(Busy) as raised:
        model_at(double.url).generate(REQUEST)
    assert raised.value.retry_after_s is None


def test_only_transient_failures_are_retryable() -> None:
    assert all(kind.retryable for kind in (Busy, ServerFault, TimedOut, Unreachable, Malformed))
    assert not any(kind.retryable for kind in (Rejected, EmptyAnswer))


@both
def test_a_server_that_is_down_is_unreachable(ask: Ask) -> None:
    with serving() as double:
        gone = double.url
    with pytest.raises(Unreachable, match=r"Model served at http://127\.0\.0\.1.*check that it is up"):
        ask(model_at(gone), REQUEST)


@both
def test_a_server_that_hangs_times_out(ask: Ask) -> None:
    with serving(Behavior(hangs=True)) as double, pytest.raises(TimedOut, match="raise timeout_s"):
        ask(model_at(double.url), Request(REQUEST.messages, timeout_s=0.2))


BLANK = json.dumps({"choices": [{"index": 0, "delta": {"content": " "}, "finish_reason": None}]})


@both
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("endless", [": keep-alive\n\n", f"data: {BLANK}\n\n", " "], ids=["comment", "blank", "space"])
def test_an_endless_response_without_an_answer_times_out(ask: Ask, endless: str, status: int) -> None:
    with serving(Behavior(endless=endless, status=status)) as double, pytest.raises(TimedOut, match="raise timeout_s"):
        ask(model_at(double.url, timeout_s=0.3), REQUEST)


def test_after_a_timeout_the_next_answer_is_complete() -> None:
    with serving(Behavior(endless=" "), Behavior()) as double:
        model = model_at(double.url)
        with pytest.raises(TimedOut):
            model.generate(Request(REQUEST.messages, timeout_s=0.2))
        assert model.generate(REQUEST).text == "The answer is 42 [1]."


@pytest.mark.parametrize("cut_after", [0, 1, 3])
def test_a_stream_cut_off_is_a_failure(cut_after: int) -> None:
    with serving(Behavior(cut_after=cut_after)) as double, pytest.raises(ModelFailure) as raised:
        drain(model_at(double.url).stream(REQUEST))
    assert type(raised.value) in {Unreachable, Malformed}


@both
def test_an_error_response_cut_off_is_unreachable(ask: Ask) -> None:
    with serving(Behavior(status=500, cut_after=0)) as double, pytest.raises(Unreachable, match="check that it is up"):
        ask(model_at(double.url), REQUEST)


def test_a_stream_without_a_finish_reason_is_malformed() -> None:
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "The"}, "finish_reason": None}]})
    with serving(Behavior(raw=f"data: {chunk}\n\n")) as double, pytest.raises(Malformed, match="cut off"):
        drain(model_at(double.url).stream(REQUEST))


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(ask: Ask, status: int) -> None:
    with serving() as other:
        there = f"{other.url}/chat/completions"
        with serving(Behavior(status=status, headers={"Location": there})) as double:
            with pytest.raises(Rejected, match=f"redirects to {there}") as raised:
                ask(model_at(double.url), REQUEST)
            assert len(double.bodies) == 1
    assert "\n" not in str(raised.value)
    assert other.headers == []


def test_a_redirect_without_a_location_is_rejected() -> None:
    with serving(Behavior(status=307)) as double, pytest.raises(Rejected):
        model_at(double.url).generate(REQUEST)


@both
def test_requests_to_this_machine_bypass_the_proxy(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving() as double:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/serving-endpoints"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        ask(model_at(double.url), REQUEST)
        assert (len(double.bodies), proxy.headers) == (1, [])
        with pytest.raises(ModelFailure):  # requests to other machines do use the proxy
            ask(model_at("http://llm.invalid/v1"), REQUEST)
        assert len(proxy.headers) == 1


def test_a_prompt_over_the_context_is_not_sent() -> None:
    long = Request((Message("user", "word " * 4000),), max_tokens=100)
    with (
        serving() as double,
        pytest.raises(ContextOverflow, match=r"6,675 .* 100 .* 4,096"),
    ):
        model_at(double.url).generate(long)
    assert double.bodies == []


def test_the_double_refuses_an_invalid_model_name() -> None:
    with serving() as running:
        model = model_at(running.url, omit=())
        model._settings = model._settings.model_copy(update={"served_name": 7})
        with pytest.raises(Rejected, match="model must be a string"):
            model.generate(REQUEST)
