"""Token counts as the embedding model would make them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from ragops.errors import UserError

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts a batch: one number of tokens for each text, special tokens left out."""


@dataclass(frozen=True)
class Counter:
    """Counts as a model's tokenizer does. Holds the tokenizer itself: a worker may not see the file that it came from.

    Truncation and padding are switched off: a tokenizer that truncates would count every long text as just its limit.
    BERT's tokenizers split at whitespace first, so there the counts of pieces cut at whitespace add up exactly to the
    count of the whole; byte-pair and SentencePiece tokenizers are off by at most about one token a piece.
    """

    tokenizer: str
    """The content of tokenizer.json."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens left out."""
        encodings = _loaded(self.tokenizer).encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]


def tokenizer_counter(tokenizer_json: Path) -> Counter:
    """Makes a counter from a model's own `tokenizer.json`.

    Raises:
        UserError: the file is missing or is no tokenizer.
    """
    try:
        content = tokenizer_json.read_text("utf-8")
        _loaded(content)
    except Exception as error:  # the library raises bare Exception
        reason = " ".join(str(error).split())
        raise UserError(
            f"tokenizer {tokenizer_json}: {reason}; name the tokenizer.json in the embedding model's folder"
        ) from error
    return Counter(content)


@cache
def _loaded(content: str) -> Tokenizer:
    tokenizer = Tokenizer.from_str(content)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
