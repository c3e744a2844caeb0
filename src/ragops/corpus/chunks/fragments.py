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

_NEARBY = 64  # characters before a border that decide among equal ranks: about a line, so that few edits touch it


@dataclass(frozen=True)
class Passage:
    """A part of a section: its text, the offset at which it begins, and its tokens."""

    start: int
    text: str
    tokens: int


@dataclass(frozen=True)
class _Frame:
    """What every part of a long table or code block repeats; by itself, a frame around nothing."""

    before: str = ""
    after: str = ""
    tokens: int = 0
    weight: int = 0


@dataclass(frozen=True)
class _Part:
    """A block with its atoms; `frame` is None where it has none, or one too heavy to be repeated."""

    block: Block
    frame: _Frame | None
    atoms: Sequence[Atom]


@dataclass(frozen=True)
class _Run:
    """Atoms that may share passages: blocks in a row, or the inside of a table or code block that is too long."""

    atoms: Sequence[Atom]
    frame: _Frame = _Frame()


def read_passages(
    text: str, sections: Sequence[Section], rooms: Sequence[int], smallest: int, count_tokens: TokenCounter
) -> Iterator[tuple[Section, Passage]]:
    """Cuts sections into passages.

    Args:
        text: the document's text.
        sections: its sections.
        rooms: for each section, the tokens that a passage of it may have.
        smallest: tokens; see `ragops.corpus.chunks.fragments.chunk_ends`.
        count_tokens: called at most four times.

    Yields:
        Each passage with the section it is from, in the document's order.
    """
    parts = iter(_parts(text, sections, rooms, count_tokens))
    for section, room in zip(sections, rooms, strict=True):
        for run in _runs(text, [next(parts) for _ in section.blocks], room):
            for passage in _cut(text, section.start, run, room, smallest):
                yield section, passage


def _parts(text: str, sections: Sequence[Section], rooms: Sequence[int], count_tokens: TokenCounter) -> list[_Part]:
    """All blocks, their frames and their atoms counted in a few batches for the whole document."""
    blocks = [block for section in sections for block in section.blocks]
    block_rooms = [room for section, room in zip(sections, rooms, strict=True) for _ in section.blocks]
    frames = _frames(blocks, block_rooms, count_tokens)
    bodies = [
        (block if frame else replace(block, body=(block.start, block.end)), room - frame.weight if frame else room)
        for block, room, frame in zip(blocks, block_rooms, frames, strict=True)
    ]
    atoms = read_atoms(text, bodies, count_tokens)
    return [_Part(*part) for part in zip(blocks, frames, atoms, strict=True)]


def _frames(blocks: Sequence[Block], rooms: Sequence[int], count_tokens: TokenCounter) -> list[_Frame | None]:
    """What each block repeats: nothing where that would fill more than half of every passage."""
    counts = iter(count_tokens([side for block in blocks for side in block.frame or ()]))
    frames: list[_Frame | None] = []
    for block, room in zip(blocks, rooms, strict=True):
        frame = None
        if block.frame:
            tokens = next(counts), next(counts)
            weight = sum(map(weigh, block.frame, tokens))
            frame = _Frame(*block.frame, sum(tokens), weight) if 2 * weight <= room else None
        frames.append(frame)
    return frames


def _runs(text: str, parts: Sequence[_Part], room: int) -> Iterator[_Run]:
    """A table or code block that fits is one atom among its neighbours'; a longer one is a run of its own."""
    pending: list[Atom] = []
    for part in parts:
        alone = part.frame is not None and _weight(part) > room
        # Text between two blocks that neither of them holds is a thematic break.
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


def _cut(text: str, section_start: int, run: _Run, room: int, smallest: int) -> Iterator[Passage]:
    room -= run.frame.weight
    weights = [atom.weight for atom in run.atoms]
    strengths = [_strength(text, section_start, atom) for atom in run.atoms]
    for start, end in pairwise([0, *chunk_ends(weights, strengths, min(smallest, room // 2), room)]):
        atoms = run.atoms[start:end]
        inner = text[atoms[0].start : atoms[-1].end].rstrip()
        if inner:
            tokens = sum(atom.tokens for atom in atoms) + run.frame.tokens
            yield Passage(atoms[0].start, _framed(inner, run.frame), tokens)


def _framed(inner: str, frame: _Frame) -> str:
    return frame.before + inner + ("\n" + frame.after if frame.after else "")


def _strength(text: str, section_start: int, atom: Atom) -> int:
    """Rank first; then the text before the border, hashed, decides as if by lot."""
    nearby = text[max(section_start, atom.end - _NEARBY) : atom.end]
    return atom.rank << 32 | zlib.crc32(nearby.encode())


def chunk_ends(weights: Sequence[int], strengths: Sequence[int], smallest: int, largest: int) -> list[int]:
    """Cuts a run of atoms into chunks of at most `largest`, mostly of at least `smallest`, tokens.

    The run is cut at its strongest border, and each part again, until the parts fit: the cuts of a randomised search
    tree (a treap, Seidel and Aragon 1996) whose keys are positions and whose priorities come from the text. Like such a
    tree it has no history: a border depends on nothing but the borders around it, while greedy packing passes each
    shift on to the end of the text. A border nearer than `smallest` to an end of its part is taken only where the part
    has no other.

    Args:
        weights: tokens of each atom, each of them at most `largest`.
        strengths: strength of the border after each atom; equal ones are taken from left to right.
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
