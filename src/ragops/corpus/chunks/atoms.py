"""Atoms: the pieces of a block between which a chunk may end, each counted in tokens."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ragops.corpus.chunks.blocks import Block, Rank
from ragops.corpus.chunks.tokens import TokenCounter

CHARACTERS_A_TOKEN = 16
"""A piece weighs at least one token per this many characters. Tokenizers turn any long run of letters (an encoded file)
into one unknown token, which would otherwise make a chunk of unlimited length."""

# A sentence ends at its mark and the whitespace after it, unless a small letter or digit follows, or the mark
# closes an initial, item number or common abbreviation; at a full-width mark; and before a line that begins with a
# word processor's bullet.
_SENTENCE_END = re.compile(
    r"[.!?…](?<!\b[A-Z0-9]\.)(?<!\b[Dd]r\.)(?<!\b[MmJSs][rst]\.)(?<!\bMrs\.)(?<!\b[Nn]o\.)(?<!\bvs\.)(?<!\bcf\.)"
    r"(?<!\be\.g\.)(?<!\bi\.e\.)[\"'”’)\]*_`]*+\s++(?![a-z0-9])|[。！？][”’」』）]*+\s*+|\n(?=\s*[•◦▪‣])"
)
# In a text in lower case, a small letter follows a sentence, too.
_LOWER_CASE_SENTENCE_END = re.compile(
    _SENTENCE_END.pattern.replace("(?![a-z0-9])", "(?![0-9])").replace(r"\b[A-Z0-9]\.", r"\b[A-Za-z0-9]\.")
)
_NEXT_SENTENCE = re.compile(r"[a-z]{2}\s?[.!?…][\"'”’)\]]*\s+([a-zA-Z])")
_SEEN = 200  # ends of sentences that decide whether a text is in lower case
_WORD = re.compile(r"\S+\s*")
_CLAUSE_CLOSED = re.compile(r"[,;:，；：、—–]\s*\Z")


class Atom(NamedTuple):
    """A piece of text that is not divided further.

    Attributes:
        start: offset in the document's text.
        end: offset one past its last character, including the whitespace after it.
        rank: strength of a border after it.
        tokens: its number of tokens.
        weight: the share of a chunk's limit that it uses: its tokens, or more if one token stands for many characters.
    """

    start: int
    end: int
    rank: Rank
    tokens: int
    weight: int


class _Piece(NamedTuple):
    start: int
    end: int
    rank: Rank


def weigh(text: str, tokens: int) -> int:
    """The share of a chunk's limit that a text uses, in tokens."""
    return max(tokens, -(-len(text.strip()) // CHARACTERS_A_TOKEN))


def sentences(text: str) -> Iterator[str]:
    """The sentences of running text, each including the whitespace after it."""
    start = 0
    for match in _sentence_end(text).finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


def _sentence_end(text: str) -> re.Pattern[str]:
    """The pattern of sentence ends in this text, which is in lower case if most sentences begin with a small letter."""
    small = [match[1].islower() for match in islice(_NEXT_SENTENCE.finditer(text), _SEEN)]
    return _LOWER_CASE_SENTENCE_END if len(small) > 1 and 2 * sum(small) > len(small) else _SENTENCE_END


def read_atoms(text: str, blocks: Sequence[tuple[Block, int]], count_tokens: TokenCounter) -> list[list[Atom]]:
    """Divides the body of each block into atoms: sentences, rows or lines; those over the limit, into words or letters.

    Args:
        text: the document's text.
        blocks: each block with the limit, in tokens, of its atoms.
        count_tokens: called at most three times for the whole document.

    Returns:
        The atoms of each block, which together contain every word of its body, in order.
    """
    sentence_end = _sentence_end(text)
    pieces = [list(_coarse(text, block, sentence_end)) for block, _ in blocks]
    limits = [limit for _, limit in blocks]
    return _fitted(text, pieces, limits, count_tokens, [_words, _letters])


def _fitted(
    text: str,
    pieces: Sequence[Sequence[_Piece]],
    limits: Sequence[int],
    count_tokens: TokenCounter,
    cutters: Sequence[Callable[[str, _Piece, int], Iterator[_Piece]]],
) -> list[list[Atom]]:
    """Counts all pieces in one batch, then repeats this with the parts of those over the limit."""
    atoms = _counted(text, pieces, count_tokens)
    heavy = [(i, j) for i, group in enumerate(atoms) for j, atom in enumerate(group) if atom.weight > limits[i]]
    if not heavy or not cutters:
        return atoms
    parts = [list(cutters[0](text, pieces[i][j], limits[i])) for i, j in heavy]
    finer = _fitted(text, parts, [limits[i] for i, _ in heavy], count_tokens, cutters[1:])
    for (i, j), part in zip(reversed(heavy), reversed(finer), strict=True):
        atoms[i][j : j + 1] = part
    return atoms


def _counted(text: str, groups: Sequence[Sequence[_Piece]], count_tokens: TokenCounter) -> list[list[Atom]]:
    texts = [text[piece.start : piece.end] for group in groups for piece in group]
    counts = zip(texts, count_tokens(texts), strict=True)
    return [[_atom(piece, *next(counts)) for piece in group] for group in groups]


def _atom(piece: _Piece, text: str, tokens: int) -> Atom:
    return Atom(*piece, tokens, weigh(text, tokens))


def _coarse(text: str, block: Block, sentence_end: re.Pattern[str]) -> Iterator[_Piece]:
    """Sentences of prose, rows of a table, lines of code."""
    start = block.body[0]
    for end, rank in (*block.cuts, (block.body[1], block.end_rank)):
        if block.prose:
            for match in sentence_end.finditer(text, start, end):
                if match.end() < end:
                    yield _Piece(start, match.end(), Rank.SENTENCE)
                    start = match.end()
        if start < end:
            yield _Piece(start, end, rank)
        start = end


def _words(text: str, piece: _Piece, _limit: int) -> Iterator[_Piece]:
    """Words; those that end in a comma or similar mark rank higher, and the last one keeps the piece's rank."""
    start = piece.start
    for match in _WORD.finditer(text, piece.start, piece.end):
        rank = Rank.CLAUSE if _CLAUSE_CLOSED.search(match[0]) else Rank.WORD
        yield _Piece(start, match.end(), piece.rank if match.end() == piece.end else rank)
        start = match.end()


def _letters(_text: str, piece: _Piece, limit: int) -> Iterator[_Piece]:
    """Parts of a word longer than a chunk. A letter has at most four tokens, one for each byte of its UTF-8 form."""
    step = max(1, limit // 4)
    for start in range(piece.start, piece.end, step):
        end = min(start + step, piece.end)
        yield _Piece(start, end, piece.rank if end == piece.end else Rank.CHARACTER)
