"""Edits of long texts without headings: how many chunks get a new id and must be embedded again."""

import random
import re
import statistics
from collections.abc import Sequence
from pydoc_data.topics import topics

import pytest

from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.chunks.tokens import TokenCounter

WORDS = 30_000
EDITS = 20


def paragraphs() -> list[str]:
    parts = (re.sub(r"^\W+", "", " ".join(part.split())) for text in topics.values() for part in text.split("\n\n"))
    kept: list[str] = []
    words = 0
    for part in filter(None, parts):
        kept.append(part)
        words += len(part.split())
        if words >= WORDS:
            return kept
    raise AssertionError("the language reference is shorter than it was")


def insertion(rng: random.Random, text: str, vocabulary: Sequence[str]) -> str:
    sentences = [" ".join(rng.choices(vocabulary, k=rng.randint(5, 25))) + "." for _ in range(rng.randint(2, 8))]
    few = " ".join(rng.choices(vocabulary, k=rng.randint(1, 4)))
    piece = rng.choice([few, sentences[0], "\n\n" + " ".join(sentences) + "\n\n"])
    at = text.index(" ", rng.randrange(len(text) * 9 // 10))
    return f"{text[:at]} {piece}{text[at:]}"


@pytest.mark.parametrize("separator", ["\n\n", " "], ids=["paragraphs", "one paragraph"])
def test_an_insertion_costs_few_new_chunks(words: TokenCounter, separator: str) -> None:
    rng = random.Random(3)
    text = separator.join(paragraphs())
    vocabulary = re.findall(r"[A-Za-z]{2,}", text)

    def ids(document: str) -> set[str]:
        return {chunk.chunk_id for chunk in split("guide", None, document, words, ChunkSizes())}

    before = ids(text)
    new = [len(ids(insertion(rng, text, vocabulary)) - before) for _ in range(EDITS)]
    assert len(before) > 150
    assert statistics.mean(new) <= 2.2
    assert max(new) <= 8


def test_a_very_long_line_is_split_between_words(minilm: TokenCounter) -> None:
    vocabulary = sorted(set(re.findall(r"[a-z]{3,}", " ".join(topics.values()))))
    line = " ".join(random.Random(5).choices(vocabulary, k=40_000))
    chunks = split("guide", None, line, minilm, ChunkSizes())
    assert len(line) > 250_000
    assert " ".join(chunk.text for chunk in chunks) == line
    assert max(chunk.tokens for chunk in chunks) <= 200
