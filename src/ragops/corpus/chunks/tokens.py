"""Token counts by the embedding model's tokenizer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from ragops.errors import UserError
from ragops.text import reason

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts a batch: the number of tokens of each text, without special tokens."""


@dataclass(frozen=True)
class Counter:
    """Counts with a model's tokenizer. Contains the tokenizer itself, since a worker may not have its file.

    Truncation and padding are disabled: a truncating tokenizer would count every long text as its limit. BERT's
    tokenizers split at whitespace first, so the counts of pieces cut at whitespace add up exactly to that of the whole;
    byte-pair and SentencePiece tokenizers differ by at most about one token per piece.
    """

    tokenizer: str
    """The content of tokenizer.json."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special tokens."""
        encodings = _loaded(self.tokenizer).encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]


def tokenizer_counter(tokenizer_json: Path) -> Counter:
    """Creates a counter from a model's `tokenizer.json`.

    Raises:
        UserError: the file is missing or is not a tokenizer.
    """
    try:
        content = tokenizer_json.read_text("utf-8")
        _loaded(content)
    except Exception as error:  # the library raises bare Exception
        raise UserError(
            f"tokenizer {tokenizer_json}: {reason(error)}; set the path of the embedding model's tokenizer.json"
        ) from error
    return Counter(content)


@cache
def _loaded(content: str) -> Tokenizer:
    tokenizer = Tokenizer.from_str(content)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
