"""Token counts as the embedding model would make them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from ragops.errors import UserError

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts a batch: one number of tokens for each text, special tokens left out."""


def tokenizer_counter(tokenizer_json: Path) -> TokenCounter:
    """Makes a counter from a model's own `tokenizer.json`.

    Truncation and padding are switched off: a tokenizer that truncates would count every long text as just its limit.
    BERT's tokenizers split at whitespace first, so there the counts of pieces cut at whitespace add up exactly to the
    count of the whole; byte-pair and SentencePiece tokenizers are off by at most about one token a piece.

    Raises:
        UserError: the file is missing or is no tokenizer.
    """
    tokenizer = _load(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def _load(tokenizer_json: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(tokenizer_json))
    except Exception as error:  # the library raises bare Exception, for a missing file too
        reason = " ".join(str(error).split())
        raise UserError(
            f"tokenizer {tokenizer_json}: {reason}; name the tokenizer.json in the embedding model's folder"
        ) from error
