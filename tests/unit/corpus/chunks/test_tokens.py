from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.errors import UserError


def test_special_tokens_are_not_counted(minilm: TokenCounter) -> None:
    assert minilm(["hello world", "", "hello"]) == [2, 0, 1]


def test_a_text_longer_than_the_models_limit_is_counted_in_full(minilm: TokenCounter) -> None:
    assert minilm(["word " * 1000]) == [1000]


def test_no_texts_give_no_counts(minilm: TokenCounter) -> None:
    assert minilm([]) == []


@given(st.lists(st.text(), max_size=6))
def test_counts_of_pieces_cut_at_whitespace_add_up(minilm: TokenCounter, pieces: list[str]) -> None:
    assert sum(minilm(pieces)) == minilm([" ".join(pieces)])[0]


def test_a_missing_tokenizer_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^tokenizer .*/none\.json: .+; .*tokenizer\.json$"):
        tokenizer_counter(tmp_path / "none.json")


def test_a_file_that_is_not_a_tokenizer_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "tokenizer.json"
    broken.write_text("{")
    with pytest.raises(UserError, match="tokenizer"):
        tokenizer_counter(broken)
