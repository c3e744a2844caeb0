"""The chunk sizes that are tried beside the card's own."""

from collections.abc import Iterable
from dataclasses import replace

from ragops.corpus.chunks.splitter import ChunkSizes


def sizes_to_try(card: ChunkSizes, largest: Iterable[int]) -> list[ChunkSizes]:
    """The card's sizes and one for each of `largest` (tokens of the text), ascending, each once.

    Each has the same room for title and headings as the card gives, so that a size above the model's maximum shows what
    the model would not see.
    """
    room = card.embedded_tokens - card.max_tokens
    others = {
        most: replace(card, min_tokens=min(card.min_tokens, most // 4), max_tokens=most, embedded_tokens=most + room)
        for most in largest
        if most != card.max_tokens
    }
    return [size for _, size in sorted((others | {card.max_tokens: card}).items())]
