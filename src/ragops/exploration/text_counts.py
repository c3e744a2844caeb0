"""Counts in one document's Markdown: words, sentences, structure, garbled characters."""

import re
from dataclasses import dataclass

import regex

_FENCE = re.compile(r"^(```|~~~).*?(?:^\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*(?::?-{2,}:?)?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+\S", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
# Plain words as they are in dictionaries; terms of the index also contain digits and signs.
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*(?:['’]\p{L}[\p{L}\p{M}]*)*")
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?=[\"'”’)\]*_`]*(?:\s|$))")
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{1,5}\b")
# Garbled characters: the replacement character, private use (fonts without a mapping), a PDF's unmapped
# glyphs, and UTF-8 that was read as Windows-1252.
_GARBLED = re.compile("[\ufffd\ue000-\uf8ff]|\\(cid:\\d+\\)|[ÃÂ][\u00a0-\u00bf]|â€[\\W\u0153]")


@dataclass(frozen=True)
class TextFacts:
    """Counts of one document: characters and words of all of it, letters and sentences of its prose.

    Attributes:
        characters: length of the Markdown.
        words: words of the prose, without code, tables and comments.
        letters: letters of those words.
        sentences: sentences of the prose, at least one where it has words.
        headings: headings of any level.
        tables: tables.
        code_blocks: fenced blocks.
        garbled: share of garbled characters, 0 to 1.
    """

    characters: int
    words: int
    letters: int
    sentences: int
    headings: int
    tables: int
    code_blocks: int
    garbled: float


def describe(markdown: str) -> TextFacts:
    """The counts of a document."""
    outside = _FENCE.sub("", markdown)
    text = prose(markdown)
    found = words(text)
    garbled = sum(len(match[0]) for match in _GARBLED.finditer(markdown))
    return TextFacts(
        characters=len(markdown),
        words=len(found),
        letters=sum(map(len, found)),
        sentences=max(len(_SENTENCE_END.findall(text)), bool(found)),
        headings=len(_HEADING.findall(outside)),
        tables=len(_TABLE_RULE.findall(outside)),
        code_blocks=len(_FENCE.findall(markdown)),
        garbled=garbled / max(1, len(markdown)),
    )


def prose(markdown: str) -> str:
    """The running text: without code blocks, tables, comments and the targets of links."""
    text = _COMMENT.sub(" ", _FENCE.sub("\n", markdown))
    return _LINK.sub(r"\1", _TABLE_ROW.sub("", text))


def words(text: str) -> list[str]:
    """The words as written: letters, with apostrophes inside them; digits and underscores separate words."""
    found: list[str] = _WORD.findall(text)
    return found


def acronyms(text: str) -> list[str]:
    """Words of 2 to 6 capitals and digits, as written and as often."""
    return _ACRONYM.findall(text)


def school_grade(letters: float, words: float, sentences: float) -> float:
    """Years of schooling that a text requires, by the Coleman-Liau index; 0 for a text without words.

    Source: Coleman and Liau, "A computer readability formula designed for machine scoring", J. Appl. Psychol. 60,
    1975. It counts letters instead of syllables, so it needs no dictionary.
    """
    if not words:
        return 0.0
    return 5.88 * letters / words - 29.6 * sentences / words - 15.8
