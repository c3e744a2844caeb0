"""Found passages -> the sources that a model reads: numbered, with neighbors, within a token budget."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.index.passages import Passage

Neighbors = Callable[[Passage, Collection[int]], list[Passage]]
"""Gives those of a passage's document, with the same groups, at these ordinals: see `Generation.neighbors`."""

_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Packed:
    """One source, cited as [number].

    Attributes:
        number: from 1.
        found: the best hit in it.
        passages: consecutive chunks of one document: the hit, other hits next to it, and neighbors.
        text: of all passages, joined.
        tokens: of the text.
    """

    number: int
    found: Found
    passages: tuple[Passage, ...]
    text: str
    tokens: int

    @property
    def passage(self) -> Passage:
        """The hit's passage: path, title, headings and page to show for the source."""
        return self.found.passage

    @property
    def chunk_ids(self) -> tuple[str, ...]:
        """Ids of all passages in it."""
        return tuple(one.chunk_id for one in self.passages)


@dataclass(frozen=True, slots=True)
class Context:
    """The sources in the order of their numbers, best first; `left_out` counts hits that exceeded the budget."""

    sources: tuple[Packed, ...]
    tokens: int
    left_out: int


@dataclass
class _Block:
    """A source in the making."""

    found: Found
    passages: list[Passage]
    text: str = ""
    tokens: int = 0

    def drop_worst_end(self, order: Sequence[str]) -> None:
        """Removes the first or the last passage, whichever comes later in `order` (chunk ids, best first)."""
        ends = self.passages[0], self.passages[-1]
        worst = max(ends, key=lambda passage: order.index(passage.chunk_id))
        self.passages = [one for one in self.passages if one is not worst]


def pack(
    found: Sequence[Found], neighbors: Neighbors, count_tokens: TokenCounter, settings: RetrievalSettings
) -> Context:
    """Packs hits best first, then their neighbors, nearest first, until the token budget is spent.

    Adjacent hits are one source; if it does not fit, it loses those of its ends that were found last. A hit that does
    not fit is left out, and shorter ones after it may still fit. If the first one alone is too long, it is cut at a
    word. No chunk appears twice. `tokens` never exceed `settings.context_tokens`.
    """
    blocks = _blocks(found)
    order = [one.passage.chunk_id for one in found]
    taken, remaining = _fitting(blocks, order, count_tokens, settings.context_tokens)
    if settings.neighbours:
        remaining = _Growth(taken, neighbors, count_tokens, settings, remaining).grow()
    packed = {one.chunk_id for block in taken for one in block.passages}
    left_out = sum(one.passage.chunk_id not in packed for one in found)
    sources = tuple(
        Packed(number, block.found, tuple(block.passages), block.text, block.tokens)
        for number, block in enumerate(taken, start=1)
    )
    return Context(sources, settings.context_tokens - remaining, left_out)


def joined(passages: Sequence[Passage]) -> str:
    """Consecutive chunks of one document as one Markdown text.

    A heading is inserted where a chunk's section differs from the one before: chunk texts do not include headings.
    """
    text, path = passages[0].text, passages[0].heading_path
    for passage in passages[1:]:
        if passage.heading_path != path and passage.heading_path:
            path = passage.heading_path
            text = f"{text}\n\n{'#' * min(len(path), 6)} {path[-1]}\n\n{passage.text}"
        else:
            text = join(text, passage.text)
    return text


def join(before: str, after: str) -> str:
    """Two consecutive chunk texts as one, without what the splitter had to repeat in the second.

    That is a table's header, and a code block's fences: chunks do not overlap otherwise.
    """
    first, second = before.split("\n"), after.split("\n")
    if _is_table(second) and second[:2] in _pairs(first) and first[-1].lstrip().startswith("|"):
        return "\n".join([*first, *second[2:]])
    if _is_fence(second[0]) and first[-1].strip() == second[0].strip()[:3] and second[0] in first[:-1]:
        return "\n".join([*first[:-1], *second[1:]])
    return f"{before}\n\n{after}"


def _is_table(lines: Sequence[str]) -> bool:
    return len(lines) > 1 and "-" in lines[1] and not lines[1].strip(" |:-")


def _is_fence(line: str) -> bool:
    return line.strip().startswith(_FENCES)


def _pairs(lines: Sequence[str]) -> list[list[str]]:
    return [list(lines[i : i + 2]) for i in range(len(lines) - 1)]


def _blocks(found: Sequence[Found]) -> list[_Block]:
    """Adjacent hits in one section become one block, ranked by the best of them."""
    blocks: list[_Block] = []
    for one in found:
        adjacent = next((block for block in blocks if _touches(block, one.passage)), None)
        if adjacent is None:
            blocks.append(_Block(one, [one.passage]))
        else:
            adjacent.passages = sorted([*adjacent.passages, one.passage], key=lambda passage: passage.ordinal)
    return blocks


def _touches(block: _Block, passage: Passage) -> bool:
    first, last = block.passages[0], block.passages[-1]
    same = first.doc_id == passage.doc_id and first.groups == passage.groups
    return same and (
        (passage.ordinal == last.ordinal + 1 and passage.heading_path == last.heading_path)
        or (passage.ordinal == first.ordinal - 1 and passage.heading_path == first.heading_path)
    )


def _fitting(
    blocks: Sequence[_Block], order: Sequence[str], count_tokens: TokenCounter, budget: int
) -> tuple[list[_Block], int]:
    """Blocks that fit, with texts and tokens, and the tokens that remain.

    A block that does not fit loses its worst hits first: else a passage found third would be left out because of one
    found eleventh beside it.
    """
    texts = [joined(block.passages) for block in blocks]
    taken, remaining = [], budget
    for block, text, tokens in zip(blocks, texts, count_tokens(texts), strict=True):
        block.text, block.tokens = text, tokens
        while block.tokens > remaining and len(block.passages) > 1:
            block.drop_worst_end(order)
            block.text = joined(block.passages)
            block.tokens = count_tokens([block.text])[0]
        if block.tokens <= remaining:
            taken.append(block)
            remaining -= block.tokens
    if blocks and not taken:
        first = blocks[0]
        first.text = _cut(first.text, count_tokens, budget)
        first.tokens = count_tokens([first.text])[0]
        return [first], budget - first.tokens
    return taken, remaining


def _cut(text: str, count_tokens: TokenCounter, budget: int) -> str:
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    fitting = bisect_right(ends, budget, key=lambda end: count_tokens([text[:end]])[0])
    return text[: ends[fitting - 1]] if fitting else ""


class _Growth:
    """Adds neighbors, one on each side of each block in turn, until the token budget is spent."""

    def __init__(
        self,
        blocks: Sequence[_Block],
        neighbors: Neighbors,
        count_tokens: TokenCounter,
        settings: RetrievalSettings,
        remaining: int,
    ) -> None:
        self._blocks, self._count, self._settings, self._remaining = blocks, count_tokens, settings, remaining
        self._taken = {(one.doc_id, one.ordinal) for block in blocks for one in block.passages}
        self._near = [self._around(block, neighbors) for block in blocks]

    def grow(self) -> int:
        """Extends the blocks and returns the tokens that remain."""
        closed: set[tuple[int, int]] = set()
        for _ in range(self._settings.neighbours):
            for number in range(len(self._blocks)):
                for side in (1, -1):
                    if (number, side) not in closed and not self._extend(number, side):
                        closed.add((number, side))
        return self._remaining

    def _around(self, block: _Block, neighbors: Neighbors) -> dict[int, Passage]:
        first, last, reach = block.passages[0].ordinal, block.passages[-1].ordinal, self._settings.neighbours
        ordinals = [*range(max(0, first - reach), first), *range(last + 1, last + reach + 1)]
        return {one.ordinal: one for one in neighbors(block.found.passage, ordinals)}

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
        if tokens - block.tokens > self._remaining:
            return False
        self._remaining -= tokens - block.tokens
        self._taken.add((new.doc_id, new.ordinal))
        block.passages, block.text, block.tokens = passages, text, tokens
        return True
