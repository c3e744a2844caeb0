import pickle
from pathlib import Path

from ragops.answers.llms.providers.token_counts import LlmCounter, llm_counter
from ragops.answers.llms.settings import Models
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[5] / "usecase.yml")


def test_the_first_available_tokenizer_is_chosen_and_the_counter_can_be_sent_to_workers() -> None:
    count = llm_counter(USE_CASE.models, Path)
    assert count.model == "smollm2"
    assert count.file is not None and count.file.is_file()
    assert pickle.loads(pickle.dumps(count)) == count


def test_without_a_tokenizer_counts_are_high_estimates() -> None:
    quotes = {"name": "quotes", "provider": "extractive"}
    gone = {"name": "gone", "provider": "openvino_gguf", "source": "/no/such.gguf", "context_tokens": 100}
    models = Models.model_validate({"answer": {"primary": "quotes"}, "known": [quotes, gone]})
    count = llm_counter(models, Path)
    assert count == LlmCounter("", None)
    texts = ["", "ä", "one two three"]
    assert count(texts) == [0, 1, 5]
