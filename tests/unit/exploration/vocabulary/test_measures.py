from pathlib import Path

import pandas as pd

from ragops.corpus.chunks.tokens import tokenizer_counter
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.exploration.vocabulary.measures import UNSEEN, count_words, is_everyday, rate, supported
from ragops.usecase import load_usecase

COUNTER = tokenizer_counter(tokenizer_file(load_usecase(Path(__file__).parents[4] / "usecase.yml").embedding))


def test_words_are_rated_by_everyday_frequency_and_pieces() -> None:
    the, odd = rate([("the", 7), ("getattribute", 2)], "en", COUNTER)
    assert (the.word, the.times, the.pieces) == ("the", 7, 1)
    assert the.frequency > 0.01
    assert odd.frequency == UNSEEN
    assert odd.pieces >= 3


def test_languages_with_a_word_list_are_supported() -> None:
    assert supported("en") and supported("de")
    assert not supported("ja") and not supported("xx")


def test_everyday_words_in_capitals_are_not_acronyms() -> None:
    assert is_everyday("NAME", "en") and is_everyday("OR", "en")
    assert not is_everyday("ASCII", "en") and not is_everyday("NAME", "xx")


def test_words_and_acronyms_are_counted_per_batch() -> None:
    batches = [pd.DataFrame({"markdown": ["The EU, the sea", "sea"]}), pd.DataFrame({"markdown": ["sea"]})]
    first, second = count_words(iter(batches))
    rows = {tuple(row) for row in first.itertuples(index=False)}
    assert rows == {("word", "the", 2), ("word", "eu", 1), ("word", "sea", 2), ("acronym", "EU", 1)}
    assert len(second) == 1
