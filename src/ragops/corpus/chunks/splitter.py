"""Markdown to chunks: by heading, then at the strongest ends of paragraphs and sentences, with content-made ids."""

import hashlib
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragops.corpus.chunks.fragments import read_passages
from ragops.corpus.chunks.structure import Source, read_sections, read_source
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.errors import UserError

SPLITTER_VERSION = 1
"""Goes up with every change that may give the same document other chunks."""


@dataclass(frozen=True)
class ChunkSizes:
    """Sizes in tokens of the embedding model, special tokens left out.

    The defaults are for a model that reads 256 tokens. Minima from 24 to 80 gave the same recall within the noise of
    the sample's questions; 48 cost the fewest new chunks an edit.

    Attributes:
        min_tokens: a border nearer to another border is taken only where there is no other.
        max_tokens: no chunk's text is longer.
        embedded_tokens: what the model reads of title, headings and text together. Under long headings the text gets
            less than `max_tokens`, though never less than half of it.
    """

    min_tokens: int = 48
    max_tokens: int = 200
    embedded_tokens: int = 254

    def __post_init__(self) -> None:
        """Refuses sizes that no text could be cut to."""
        if not 1 <= self.min_tokens <= self.max_tokens // 2 or self.max_tokens < 16:
            raise UserError(
                f"chunk sizes: min_tokens {self.min_tokens} and max_tokens {self.max_tokens} leave no room to choose a "
                "border; give a max_tokens of at least 16 and a min_tokens from 1 to half of it"
            )


@dataclass(frozen=True)
class Chunk:
    """A passage of a document.

    Attributes:
        chunk_id: 32 hex digits from the document's id, the heading path, the text and `SPLITTER_VERSION`, not from the
            position: a chunk that only moved keeps its id.
        doc_id: the document.
        ordinal: position in the document, from 0.
        heading_path: the headings over it, outermost first; they are not in the text.
        text: Markdown as written, a table's header or a fence's lines repeated where those had to be cut.
        tokens: tokens of the text.
        page: page on which it begins, where the document has page marks.
        embedded_text: what the model embeds, from `embedded_text(title, heading_path, text)`.
        text_hash: SHA-256 of `embedded_text` in hex: texts that are equal anywhere are embedded once.
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
    """What the model embeds for a chunk: title and headings on one line, then the text."""
    return _context(title, heading_path) + text


def splitter_fingerprint(sizes: ChunkSizes) -> str:
    """Eight hex digits that change whenever the same document might be split differently."""
    return _digest(SPLITTER_VERSION, sizes.min_tokens, sizes.max_tokens, sizes.embedded_tokens)[:8]


def split(doc_id: str, title: str | None, markdown: str, count_tokens: TokenCounter, sizes: ChunkSizes) -> list[Chunk]:
    """Splits a document into chunks, in its order.

    Sections never share a chunk, however small, so that an edit in one leaves the ids of all others alone; the heading
    path tells what a short one is about. A chunk starts and ends in its section by the text around its borders
    (`ragops.corpus.chunks.fragments`).

    Args:
        doc_id: goes into every chunk and its id.
        title: the document's title, embedded with each chunk.
        markdown: the document; lines like `<!-- page: 3 -->` give pages and are left out of the text.
        count_tokens: the embedding model's counter.
        sizes: limits in tokens.

    Returns:
        Chunks whose texts hold every word of the document in order, apart from its headings and page marks; none for
        a document without words. No text is empty or over `sizes.max_tokens`.
    """
    source = read_source(markdown)
    sections = [section for section in read_sections(source) if section.blocks]
    contexts = count_tokens([_context(title, section.heading_path) for section in sections])
    rooms = [min(sizes.max_tokens, max(sizes.max_tokens // 2, sizes.embedded_tokens - used)) for used in contexts]
    chunks: list[Chunk] = []
    equals: Counter[tuple[tuple[str, ...], str]] = Counter()
    for section, passage in read_passages(source.text, sections, rooms, sizes.min_tokens, count_tokens):
        path = section.heading_path
        key = path, passage.text
        embedded = embedded_text(title, path, passage.text)
        chunks.append(
            Chunk(
                chunk_id=_digest(doc_id, path, passage.text, SPLITTER_VERSION, equals[key])[:32],
                doc_id=doc_id,
                ordinal=len(chunks),
                heading_path=path,
                text=passage.text,
                tokens=passage.tokens,
                page=_page(source, passage.start),
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
