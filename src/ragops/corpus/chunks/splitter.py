"""Markdown to chunks: by heading, then at the strongest ends of paragraphs and sentences, with content-based ids."""

import hashlib
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragops.corpus.chunks.fragments import read_fragments
from ragops.corpus.chunks.structure import Source, read_sections, read_source
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.errors import UserError

SPLITTER_VERSION = 3
"""Increase with every change that may give the same document different chunks."""


@dataclass(frozen=True)
class ChunkSizes:
    """Sizes in tokens of the embedding model, without special tokens.

    The defaults are for a model that reads 256 tokens. Minima from 24 to 80 gave the same recall within the noise of
    the sample's questions; 48 gave the fewest new chunks per edit.
    """

    min_tokens: int = 48
    """A border closer than this to another border is used only if there is no other."""
    max_tokens: int = 200
    """Maximum length of a chunk's text."""
    embedded_tokens: int = 254
    """What the model reads of title, headings and text together. Under long headings the text has less than
    `max_tokens`, but never less than half of it."""

    def __post_init__(self) -> None:
        """Raises UserError for sizes that leave no choice of borders."""
        if not 1 <= self.min_tokens <= self.max_tokens // 2 or self.max_tokens < 16:
            raise UserError(
                f"chunk sizes: min_tokens {self.min_tokens} and max_tokens {self.max_tokens} leave no choice of "
                "borders; set max_tokens to at least 16 and min_tokens from 1 to half of it"
            )


@dataclass(frozen=True)
class Chunk:
    """A passage of a document.

    Attributes:
        chunk_id: 32 hex digits from the document's id, the heading path, the text and `SPLITTER_VERSION`, but not the
            position: a chunk that only moved keeps its id.
        doc_id: the document.
        ordinal: position in the document, from 0.
        heading_path: the headings above it, outermost first; they are not in the text.
        text: Markdown as written; in parts of a long table or code block, its header or fence lines are repeated.
        tokens: number of tokens of the text.
        page: page on which it begins, if the document has page marks.
        embedded_text: the text that the model embeds, from `embedded_text(title, heading_path, text)`.
        text_hash: SHA-256 of `embedded_text` in hex; equal texts are embedded once.
    """

    chunk_id: str
    doc_id: str
    ordinal: int
    heading_path: tuple[str, ...]
    text: str
    tokens: int
    page: int | None
    embedded_text: str
    text_hash: str


def embedded_text(title: str | None, heading_path: Sequence[str], text: str) -> str:
    """The text that the model embeds for a chunk: title and headings on one line, then the chunk's text."""
    return _context(title, heading_path) + text


def splitter_fingerprint(sizes: ChunkSizes) -> str:
    """Eight hex digits that change whenever the same document could be split differently."""
    return _digest(SPLITTER_VERSION, sizes.min_tokens, sizes.max_tokens, sizes.embedded_tokens)[:8]


def split(doc_id: str, title: str | None, markdown: str, count_tokens: TokenCounter, sizes: ChunkSizes) -> list[Chunk]:
    """Splits a document into chunks, in its order.

    Sections never share a chunk, however small, so that an edit in one does not change the ids of others; the heading
    path describes short ones. The text around the borders decides where a chunk starts and ends in its section
    (`ragops.corpus.chunks.fragments`).

    Args:
        doc_id: the document's id, part of every chunk's id.
        title: the document's title, embedded with each chunk.
        markdown: the document; lines like `<!-- page: 3 -->` give pages and are removed from the text.
        count_tokens: the embedding model's counter.
        sizes: limits in tokens.

    Returns:
        Chunks whose texts contain every word of the document in order, except its headings and page marks; none for a
        document without words. No text is empty or longer than `sizes.max_tokens`.
    """
    source = read_source(markdown)
    sections = [section for section in read_sections(source) if section.blocks]
    contexts = count_tokens([_context(title, section.heading_path) for section in sections])
    limits = [min(sizes.max_tokens, max(sizes.max_tokens // 2, sizes.embedded_tokens - used)) for used in contexts]
    chunks: list[Chunk] = []
    equals: Counter[tuple[tuple[str, ...], str]] = Counter()
    for section, fragment in read_fragments(source.text, sections, limits, sizes.min_tokens, count_tokens):
        path = section.heading_path
        key = path, fragment.text
        embedded = embedded_text(title, path, fragment.text)
        chunks.append(
            Chunk(
                chunk_id=_digest(doc_id, path, fragment.text, SPLITTER_VERSION, equals[key])[:32],
                doc_id=doc_id,
                ordinal=len(chunks),
                heading_path=path,
                text=fragment.text,
                tokens=fragment.tokens,
                page=_page(source, fragment.start),
                embedded_text=embedded,
                text_hash=hashlib.sha256(embedded.encode()).hexdigest(),
            )
        )
        equals[key] += 1
    return chunks


def _context(title: str | None, heading_path: Sequence[str]) -> str:
    names = [title] if title and title not in heading_path[:1] else []
    return " > ".join([*names, *heading_path]) + "\n\n" if names or heading_path else ""


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _page(source: Source, offset: int) -> int | None:
    mark = bisect_right(source.pages, offset, key=lambda mark: mark[0])
    return source.pages[mark - 1][1] if mark else None
