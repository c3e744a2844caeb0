"""The chunk sizes that are tried beside the use case's own."""

from collections.abc import Iterable
from dataclasses import replace

from ragops.corpus.chunks.splitter import ChunkSizes


def sizes_to_try(use_case: ChunkSizes, largest: Iterable[int]) -> list[ChunkSizes]:
    """The use case's sizes and one for each of `largest` (tokens of the text), ascending, each once.

    Each has the room for title and headings that usecase.yml gives, so that a size above the model's maximum shows what
    the model would not see.
    """
    room = use_case.embedded_tokens - use_case.max_tokens
    others = {
        most: replace(
            use_case, min_tokens=min(use_case.min_tokens, most // 4), max_tokens=most, embedded_tokens=most + room
        )
        for most in largest
        if most != use_case.max_tokens
    }
    return [size for _, size in sorted((others | {use_case.max_tokens: use_case}).items())]
