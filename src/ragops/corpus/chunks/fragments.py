"""Sections to fragments: what is cut together, what stays whole, where to cut, and the text of each part."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ragops.corpus.chunks.atoms import Atom, read_atoms, weigh
from ragops.corpus.chunks.blocks import Block
from ragops.corpus.chunks.structure import Section
from ragops.corpus.chunks.tokens import TokenCounter

_NEARBY = 64  # characters before a border that decide between equal ranks: about a line, so few edits affect it


@dataclass(frozen=True)
class Fragment:
    """A part of a section, the text of one chunk: its offset in the document, its text, and its number of tokens."""

    start: int
    text: str
    tokens: int


@dataclass(frozen=True)
class _Frame:
    """The lines that every part of a long table or code block repeats; the default is an empty frame."""

    before: str = ""
    after: str = ""
    tokens: int = 0
    weight: int = 0


@dataclass(frozen=True)
class _Part:
    """A block with its atoms; `frame` is None if it has none, or one too large to repeat."""

    block: Block
    frame: _Frame | None
    atoms: Sequence[Atom]


@dataclass(frozen=True)
class _Run:
    """Atoms that may share fragments: consecutive blocks, or the body of a table or code block that is too long."""

    atoms: Sequence[Atom]
    frame: _Frame = _Frame()


def read_fragments(
    text: str, sections: Sequence[Section], limits: Sequence[int], smallest: int, count_tokens: TokenCounter
) -> Iterator[tuple[Section, Fragment]]:
    """Divides sections into fragments.

    Args:
        text: the document's text.
        sections: its sections.
        limits: for each section, the maximum number of tokens of a fragment.
        smallest: tokens; see `chunk_ends`.
        count_tokens: called at most four times.

    Yields:
        Each fragment with its section, in the document's order.
    """
    parts = iter(_parts(text, sections, limits, count_tokens))
    for section, limit in zip(sections, limits, strict=True):
        for run in _runs(text, [next(parts) for _ in section.blocks], limit):
            for fragment in _cut(text, section.start, run, limit, smallest):
                yield section, fragment


def _parts(text: str, sections: Sequence[Section], limits: Sequence[int], count_tokens: TokenCounter) -> list[_Part]:
    """All blocks with their frames and atoms, counted in a few batches for the whole document."""
    blocks = [block for section in sections for block in section.blocks]
    block_limits = [limit for section, limit in zip(sections, limits, strict=True) for _ in section.blocks]
    frames = _frames(blocks, block_limits, count_tokens)
    bodies = [
        (block if frame else replace(block, body=(block.start, block.end)), limit - frame.weight if frame else limit)
        for block, limit, frame in zip(blocks, block_limits, frames, strict=True)
    ]
    atoms = read_atoms(text, bodies, count_tokens)
    return [_Part(*part) for part in zip(blocks, frames, atoms, strict=True)]


def _frames(blocks: Sequence[Block], limits: Sequence[int], count_tokens: TokenCounter) -> list[_Frame | None]:
    """The frame that each block repeats; None if it would fill more than half of every fragment."""
    counts = iter(count_tokens([side for block in blocks for side in block.frame or ()]))
    frames: list[_Frame | None] = []
    for block, limit in zip(blocks, limits, strict=True):
        frame = None
        if block.frame:
            tokens = next(counts), next(counts)
            weight = sum(map(weigh, block.frame, tokens))
            frame = _Frame(*block.frame, sum(tokens), weight) if 2 * weight <= limit else None
        frames.append(frame)
    return frames


def _runs(text: str, parts: Sequence[_Part], limit: int) -> Iterator[_Run]:
    """Yields runs: a table or code block that fits is one atom among others, a longer one a run of its own."""
    pending: list[Atom] = []
    for part in parts:
        alone = part.frame is not None and _weight(part) > limit
        # Text between two blocks that belongs to neither is a thematic break.
        if pending and (alone or text[pending[-1].end : part.block.start].strip()):
            yield _Run(pending)
            pending = []
        if alone:
            yield _Run(part.atoms, part.frame or _Frame())
        elif part.frame:
            tokens = sum(atom.tokens for atom in part.atoms) + part.frame.tokens
            pending.append(Atom(part.block.start, part.block.end, part.block.end_rank, tokens, _weight(part)))
        else:
            pending += part.atoms
    if pending:
        yield _Run(pending)


def _weight(part: _Part) -> int:
    return sum(atom.weight for atom in part.atoms) + (part.frame.weight if part.frame else 0)


def _cut(text: str, section_start: int, run: _Run, limit: int, smallest: int) -> Iterator[Fragment]:
    limit -= run.frame.weight
    weights = [atom.weight for atom in run.atoms]
    strengths = [_strength(text, section_start, atom) for atom in run.atoms]
    for start, end in pairwise([0, *chunk_ends(weights, strengths, min(smallest, limit // 2), limit)]):
        atoms = run.atoms[start:end]
        inner = text[atoms[0].start : atoms[-1].end].rstrip()
        if inner:
            tokens = sum(atom.tokens for atom in atoms) + run.frame.tokens
            yield Fragment(atoms[0].start, _framed(inner, run.frame), tokens)


def _framed(inner: str, frame: _Frame) -> str:
    return frame.before + inner + ("\n" + frame.after if frame.after else "")


def _strength(text: str, section_start: int, atom: Atom) -> int:
    """A border's rank; among equal ranks, a hash of the text before the border decides pseudo-randomly."""
    nearby = text[max(section_start, atom.end - _NEARBY) : atom.end]
    return atom.rank << 32 | zlib.crc32(nearby.encode())


def chunk_ends(weights: Sequence[int], strengths: Sequence[int], smallest: int, largest: int) -> list[int]:
    """Divides a run of atoms into chunks of at most `largest`, mostly of at least `smallest`, tokens.

    The run is cut at its strongest border, and each part again, until the parts fit: the cuts of a randomized search
    tree (a treap, Seidel and Aragon 1996) whose keys are positions and whose priorities come from the text. Such a tree
    has no history: a border depends only on the borders around it, so an edit moves only nearby borders, while greedy
    packing propagates each shift to the end of the text. A border closer than `smallest` to an end of its part is used
    only if the part has no other.

    Args:
        weights: tokens of each atom, at most `largest`.
        strengths: strength of the border after each atom; among equal ones, the first wins.
        smallest: tokens.
        largest: tokens.

    Returns:
        For each chunk, the index one past its last atom, ascending.
    """
    strength = np.asarray(strengths, dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(weights, dtype=np.int64)])
    done: list[int] = []
    parts = [(0, len(weights))] if weights else []
    while parts:
        start, stop = parts.pop()
        if ends[stop] - ends[start] <= largest or stop - start == 1:
            done.append(stop)
            continue
        cut = _strongest(strength, ends, start, stop, smallest)
        parts += [(cut, stop), (start, cut)]
    return done


def _strongest(strength: NDArray[np.int64], ends: NDArray[np.int64], start: int, stop: int, smallest: int) -> int:
    first = int(np.searchsorted(ends, ends[start] + smallest))
    last = int(np.searchsorted(ends, ends[stop] - smallest, side="right")) - 1
    if first > last:
        first, last = start + 1, stop - 1
    return first + int(np.argmax(strength[first - 1 : last]))
