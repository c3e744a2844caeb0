"""Found passages -> what a model reads: numbered, with their neighbours, within a budget of tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ragops.answers.retrieval.joining import joined
from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.index.passages import Passage

Neighbours = Callable[[Passage, Collection[int]], list[Passage]]
"""Gives those of a passage's document, with the same groups, at these ordinals: see `Generation.neighbours`."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One numbered source: answers cite it as [number]. `found` is the hit; `text` holds its neighbours too."""

    number: int
    found: Found
    text: str
    chunk_ids: tuple[str, ...]
    tokens: int

    @property
    def passage(self) -> Passage:
        """The hit's passage: path, title, headings and page to show for the source."""
        return self.found.passage


@dataclass(frozen=True, slots=True)
class Context:
    """The sources in the order of their numbers, from 1, best first; `left_out`: hits that had no room."""

    sources: tuple[Packed, ...]
    tokens: int
    left_out: int


@dataclass
class _Block:
    """A hit, the hits beside it, and the neighbours taken along; always consecutive chunks of one document."""

    found: Found
    passages: list[Passage]
    text: str = ""
    tokens: int = 0


def pack(
    found: Sequence[Found], neighbours: Neighbours, count_tokens: TokenCounter, settings: RetrievalSettings
) -> Context:
    """Packs hits best first, then their neighbours, the nearest first, as long as there is room.

    A hit that does not fit is left out, and shorter ones after it may still fit. If the first one alone is too long,
    it is cut at a word. No chunk comes twice. `tokens` never exceed `settings.context_tokens`.
    """
    blocks = _blocks(found)
    taken, room = _fitting(blocks, count_tokens, settings.context_tokens)
    if settings.neighbours:
        room = _Growth(taken, neighbours, count_tokens, settings, room).grow()
    left_out = len(found) - sum(one.passage in block.passages for block in taken for one in found)
    sources = tuple(
        Packed(number, block.found, block.text, tuple(one.chunk_id for one in block.passages), block.tokens)
        for number, block in enumerate(taken, start=1)
    )
    return Context(sources, settings.context_tokens - room, left_out)


def _blocks(found: Sequence[Found]) -> list[_Block]:
    """Hits that lie side by side in one section are one source, in the place of the best of them."""
    blocks: list[_Block] = []
    for one in found:
        beside = next((block for block in blocks if _touches(block, one.passage)), None)
        if beside is None:
            blocks.append(_Block(one, [one.passage]))
        else:
            beside.passages = sorted([*beside.passages, one.passage], key=lambda passage: passage.ordinal)
    return blocks


def _touches(block: _Block, passage: Passage) -> bool:
    first, last = block.passages[0], block.passages[-1]
    same = first.doc_id == passage.doc_id and first.groups == passage.groups
    return same and (
        (passage.ordinal == last.ordinal + 1 and passage.heading_path == last.heading_path)
        or (passage.ordinal == first.ordinal - 1 and passage.heading_path == first.heading_path)
    )


def _fitting(blocks: Sequence[_Block], count_tokens: TokenCounter, budget: int) -> tuple[list[_Block], int]:
    """Blocks that fit, with texts and tokens, and the tokens that are left."""
    texts = [joined(block.passages) for block in blocks]
    taken, room = [], budget
    for block, text, tokens in zip(blocks, texts, count_tokens(texts), strict=True):
        if tokens <= room:
            block.text, block.tokens = text, tokens
            taken.append(block)
            room -= tokens
    if blocks and not taken:
        first = blocks[0]
        first.text = _cut(texts[0], count_tokens, budget)
        first.tokens = count_tokens([first.text])[0]
        return [first], budget - first.tokens
    return taken, room


def _cut(text: str, count_tokens: TokenCounter, budget: int) -> str:
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    fitting = bisect_right(ends, budget, key=lambda end: count_tokens([text[:end]])[0])
    return text[: ends[fitting - 1]] if fitting else ""


class _Growth:
    """Takes neighbours along, one on each side of each block in turn, while there is room."""

    def __init__(
        self,
        blocks: Sequence[_Block],
        neighbours: Neighbours,
        count_tokens: TokenCounter,
        settings: RetrievalSettings,
        room: int,
    ) -> None:
        self._blocks, self._count, self._settings, self._room = blocks, count_tokens, settings, room
        self._taken = {(one.doc_id, one.ordinal) for block in blocks for one in block.passages}
        self._near = [self._around(block, neighbours) for block in blocks]

    def grow(self) -> int:
        """Returns the tokens that are left."""
        closed: set[tuple[int, int]] = set()
        for _ in range(self._settings.neighbours):
            for number in range(len(self._blocks)):
                for side in (1, -1):
                    if (number, side) not in closed and not self._extend(number, side):
                        closed.add((number, side))
        return self._room

    def _around(self, block: _Block, neighbours: Neighbours) -> dict[int, Passage]:
        first, last, reach = block.passages[0].ordinal, block.passages[-1].ordinal, self._settings.neighbours
        places = [*range(max(0, first - reach), first), *range(last + 1, last + reach + 1)]
        return {one.ordinal: one for one in neighbours(block.found.passage, places)}

    def _extend(self, number: int, side: int) -> bool:
        block = self._blocks[number]
        edge = block.passages[-1 if side > 0 else 0]
        new = self._near[number].get(edge.ordinal + side)
        if new is None or (new.doc_id, new.ordinal) in self._taken:
            return False
        if self._settings.within_section and new.heading_path != edge.heading_path:
            return False
        passages = [*block.passages, new] if side > 0 else [new, *block.passages]
        text = joined(passages)
        tokens = self._count([text])[0]
        if tokens - block.tokens > self._room:
            return False
        self._room -= tokens - block.tokens
        self._taken.add((new.doc_id, new.ordinal))
        block.passages, block.text, block.tokens = passages, text, tokens
        return True
