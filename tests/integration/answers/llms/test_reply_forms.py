"""The forms in which servers write an answer, as a whole and in a stream."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ragops.answers.llms.errors import EmptyAnswer, Malformed
from ragops.answers.llms.providers.openai_compatible import Access, OpenAICompatibleModel
from ragops.answers.llms.settings import OpenAICompatible
from ragops.answers.llms.types import Reply, Request, drain
from ragops.answers.prompts.types import Message
from tests.support.dialects import OPENAI
from tests.support.openai_double import Behavior, serving

REQUEST = Request((Message("user", "What does the pump need?"),), max_tokens=64)
ANSWER = "The pump needs oil [1]."
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "So [2]?"}]}

Ask = Callable[[OpenAICompatibleModel, Request], Reply]
both = pytest.mark.parametrize(
    "ask", [lambda model, request: model.generate(request), lambda model, request: drain(model.stream(request))]
)


def model_at(url: str, **settings: Any) -> OpenAICompatibleModel:
    given = {"context_tokens": 4096, "timeout_s": 60.0} | settings
    use_case = OpenAICompatible(name="served", provider="openai_compatible", served_name="llama", base_url=url, **given)
    return OpenAICompatibleModel(use_case, Access(url, "the-token"))


def whole(message: Any, **more: Any) -> Behavior:
    return Behavior(raw=json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more}))


def chunk(delta: Any, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def events(*chunks: Any, done: bool = True) -> Behavior:
    lines = [*map(json.dumps, chunks), *(["[DONE]"] if done else [])]
    return Behavior(raw="".join(f"data: {line}\n\n" for line in lines))


def streamed(behavior: Behavior, **settings: Any) -> tuple[list[str], Reply]:
    pieces: list[str] = []
    with serving(behavior) as double:
        return pieces, drain(model_at(double.url, **settings).stream(REQUEST), pieces.append)


@pytest.mark.parametrize(
    "content",
    [
        [THOUGHT, {"type": "text", "text": ANSWER}],
        [{"type": "thinking", "thinking": "So [2]?", "signature": "x"}, {"type": "text", "text": ANSWER}],
        [{"type": "thinking", "thinking": [{"type": "text", "text": "So [2]?"}]}, {"type": "text", "text": ANSWER}],
        [{"type": "text", "text": "The pump "}, {"type": "output_text", "text": "needs oil [1]."}],
        ["The pump ", {"text": "needs oil [1]."}, {"type": "image_url", "image_url": {}}, None],
        [{"type": "text", "text": {"value": ANSWER, "annotations": []}}],
        {"type": "text", "text": ANSWER},
        f"<think>So [2]?</think>\n\n{ANSWER}",
        f"So [2]?</think>\n{ANSWER}",
    ],
)
def test_only_texts_outside_of_thoughts_are_the_answer(content: Any) -> None:
    with serving(whole({"role": "assistant", "content": content})) as double:
        assert model_at(double.url).generate(REQUEST).text == ANSWER
    behavior = events(chunk({"role": "assistant", "content": content}), chunk({}, "stop"))
    pieces, reply = streamed(behavior)
    assert reply.text == ANSWER
    assert "".join(pieces) == ANSWER


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking", "refusal"])
def test_thoughts_in_a_field_of_their_own_are_not_the_answer(field: str) -> None:
    message = {"content": ANSWER, field: "So [2]?"}
    with serving(whole(message)) as double:
        assert model_at(double.url).generate(REQUEST).text == ANSWER
    pieces, _ = streamed(events(chunk({"content": None, field: "So [2]?"}), chunk({"content": ANSWER}, "stop")))
    assert pieces == [ANSWER]


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(None), chunk({"content": ANSWER}), chunk({"content": None}, "stop")],
        [chunk({"content": ANSWER}), chunk(None, "stop"), {"choices": None, "usage": {"prompt_tokens": 5}}],
        [chunk({"content": ANSWER}, usage=None), chunk({}, "stop", usage={"prompt_tokens": None})],
        [chunk({"content": ANSWER}), chunk({}, "stop"), {"usage": {"prompt_tokens": "many", "completion_tokens": -1}}],
        [chunk({"content": ANSWER}, ""), chunk({"content": ""}, "stop", usage=[])],
        [{"choices": [], "prompt_filter_results": []}, chunk({"content": ANSWER}), chunk({"content": ""}, "stop")],
        [{"choices": [{"index": 0, "finish_reason": None}]}, chunk({"content": ANSWER}, "stop")],
    ],
)
def test_null_stands_for_absent_in_a_stream(chunks: list[Any]) -> None:
    pieces, reply = streamed(events(*chunks))
    assert (pieces, reply.text, reply.finish_reason) == ([ANSWER], ANSWER, "stop")
    assert reply.prompt_tokens > 0 and reply.completion_tokens > 0


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": None, "completion_tokens": None}, {}, "none"])
def test_tokens_that_a_server_does_not_count_are_estimated(usage: Any) -> None:
    with serving(whole({"content": ANSWER}, usage=usage)) as double:
        reply = model_at(double.url).generate(REQUEST)
    assert (reply.text, reply.prompt_tokens > 0, reply.completion_tokens > 0) == (ANSWER, True, True)


@pytest.mark.parametrize("choices", [None, []])
def test_a_whole_answer_without_choices_is_malformed(choices: Any) -> None:
    behavior = Behavior(raw=json.dumps({"choices": choices}))
    with serving(behavior) as double, pytest.raises(Malformed, match="without choices"):
        model_at(double.url).generate(REQUEST)


def test_a_whole_answer_without_a_message_is_empty() -> None:
    with serving(whole(None)) as double, pytest.raises(EmptyAnswer):
        model_at(double.url).generate(REQUEST)


def test_done_ends_an_answer_without_a_finish_reason() -> None:
    pieces, reply = streamed(events(chunk({"content": ANSWER})))
    assert (pieces, reply.text, reply.finish_reason) == ([ANSWER], ANSWER, "stop")


def test_a_finish_reason_ends_an_answer_without_done() -> None:
    assert streamed(events(chunk({"content": ANSWER}, "stop"), done=False))[1].text == ANSWER


def test_an_error_event_of_another_form_is_malformed() -> None:
    with pytest.raises(Malformed):
        streamed(events(chunk({"content": "The"}), {"object": "error", "message": "out of memory"}))


def test_thoughts_are_not_streamed_wherever_the_pieces_are_cut() -> None:
    text = f"<think>So [2]?</think>\n\n{ANSWER}"
    pieces, reply = streamed(events(*(chunk({"content": letter}) for letter in text)))
    assert "".join(pieces) == reply.text == ANSWER


@both
def test_thoughts_that_do_not_end_are_no_answer(ask: Ask) -> None:
    with (
        serving(Behavior(text="<think>So [2] or [3]", finish="length")) as double,
        pytest.raises(EmptyAnswer, match="raise max_tokens"),
    ):
        ask(model_at(double.url), REQUEST)


@both
def test_an_answer_before_thoughts_that_do_not_end_is_kept(ask: Ask) -> None:
    with serving(Behavior(text=f"{ANSWER} <think>So [2]", finish="length")) as double:
        assert ask(model_at(double.url), REQUEST).text.strip() == ANSWER


def test_after_an_answer_with_a_closing_tag_only_the_thoughts_of_later_ones_are_hidden() -> None:
    with serving(Behavior(text=f"So [2]?</think>{ANSWER}")) as double:
        model = model_at(double.url)
        assert drain(model.stream(REQUEST)).text.strip() == ANSWER
        assert "".join(model.stream(REQUEST)).strip() == ANSWER


@pytest.mark.parametrize("text", [f"So [2]?</think>{ANSWER}", ANSWER])
def test_a_model_known_to_start_inside_thoughts_shows_nothing_of_them(text: str) -> None:
    pieces, reply = streamed(Behavior(text=text), starts_inside_thoughts=True)
    assert "".join(pieces).strip() == reply.text.strip() == ANSWER


@both
@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("max_tokens", "Please use 'max_completion_tokens' with this model."),
        ("temperature", "`temperature` may only be set to 1 when thinking is enabled."),
    ],
)
def test_a_field_that_must_be_written_otherwise_is_remembered(ask: Ask, field: str, message: str) -> None:
    def answer(body: dict[str, Any]) -> Behavior:
        return Behavior(status=400, error={"error": {"message": message}}) if field in body else Behavior(text=ANSWER)

    with serving(answer=answer, dialect=OPENAI) as double:
        model = model_at(double.url)
        texts = [ask(model, REQUEST).text.strip() for _ in range(2)]
    assert texts == [ANSWER, ANSWER]
    assert [field in body for body in double.bodies] == [True, False, False]
    assert ("max_completion_tokens" in double.bodies[-1]) == (field == "max_tokens")
