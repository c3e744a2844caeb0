"""The corpus's words: counted on the workers over a bounded sample, rated there, and the most telling ones fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.exploration.facts import readable
from ragops.exploration.profile import ALL, Measure, measured
from ragops.exploration.text_counts import acronyms, prose, words
from ragops.exploration.vocabulary.words import MANY_PIECES, RARE, is_everyday, rate, supported
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_DOCUMENTS = 20_000
"""More do not change which words stand out."""
MOST_CHARACTERS = 100_000
"""Of each document, its first ones: nor do more of one book, and what a worker has at a time stays small."""
DOCUMENTS_A_BATCH = 100
SHOWN = 20
_FEWEST = 3  # occurrences: rarer words are misspellings as often as terms
_PECULIAR = 3.0  # eight times as frequent as elsewhere, as a power of two
_MOST_PIECES = 6
_COUNTS = "kind STRING, word STRING, n BIGINT"
_RATED = "word STRING, n BIGINT, frequency DOUBLE, pieces INT"


def beginnings(documents: DataFrame) -> DataFrame:
    """The beginnings of at most about MOST_DOCUMENTS documents (markdown), a hundred to a batch.

    They are the same each time: those whose hash falls into the share that is wanted.
    """
    total = documents.count()
    sampled = documents.where(f"pmod(xxhash64(doc_id), {max(total, MOST_DOCUMENTS)}) < {MOST_DOCUMENTS}")
    texts = sampled.select(F.substring("markdown", 1, MOST_CHARACTERS).alias("markdown"))
    return texts.repartition(max(2, -(-min(total, MOST_DOCUMENTS) // DOCUMENTS_A_BATCH)))


def profile_vocabulary(workspace: Workspace, language: str, tokenizer: Path) -> Iterator[Measure]:
    """Domain words, acronyms, rare words and pieces; only acronyms where no list has the language's words."""
    counted = beginnings(readable(workspace)).mapInPandas(count_words, _COUNTS)
    totals = counted.groupBy("kind", "word").agg(F.sum("n").alias("n"))
    found = totals.where("kind = 'acronym'").orderBy(F.desc("n"), "word").limit(5 * SHOWN).collect()
    names = [row for row in found if not is_everyday(row["word"], language)][:SHOWN]
    yield from measured("vocabulary.acronym", {row["word"]: row["n"] for row in names})
    if supported(language):
        plain = totals.where("kind = 'word'").select("word", "n")
        rated = plain.mapInPandas(rate_words(language, tokenizer_counter(tokenizer)), _RATED)
        yield from _rated(rated)


def count_words(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Counts the words of each batch's prose, in lower case, and its acronyms, as written."""
    for batch in batches:
        counts: Counter[tuple[str, str]] = Counter()
        for markdown in batch["markdown"]:
            text = prose(markdown)
            counts.update(("word", word.lower()) for word in words(text))
            counts.update(("acronym", word) for word in acronyms(text))
        rows = [(kind, word, n) for (kind, word), n in counts.items()]
        yield pd.DataFrame(rows, columns=["kind", "word", "n"])


def rate_words(language: str, count_tokens: TokenCounter) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over words with their counts."""

    def rate_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            pairs = zip(batch["word"], batch["n"], strict=True)
            yield pd.DataFrame(
                [tuple(word) for word in rate(pairs, language, count_tokens)],
                columns=["word", "n", "frequency", "pieces"],
            )

    return rate_batches


def _rated(rated: DataFrame) -> Iterator[Measure]:
    shape = rated.groupBy(F.expr(f"least(pieces, {_MOST_PIECES})").alias("pieces")).agg(
        F.sum("n").alias("n"), F.count("*").alias("words"), F.sum(F.expr(f"IF(frequency < {RARE}, n, 0)")).alias("rare")
    )
    rows = shape.orderBy("pieces").collect()
    total = sum(row["n"] for row in rows) or 1
    yield Measure("vocabulary.words", ALL, total)
    yield Measure("vocabulary.distinct_words", ALL, sum(row["words"] for row in rows))
    yield Measure("vocabulary.rare_share", ALL, sum(row["rare"] for row in rows) / total)
    yield Measure("vocabulary.pieces_a_word", ALL, sum(row["n"] * row["pieces"] for row in rows) / total)
    many = sum(row["n"] for row in rows if row["pieces"] >= MANY_PIECES)
    yield Measure("vocabulary.many_pieces_share", ALL, many / total)
    yield from measured("vocabulary.pieces", {str(row["pieces"]): row["n"] / total for row in rows})
    ratio = f"log2(n / {total} / frequency)"
    telling = rated.where(f"n >= {_FEWEST} AND length(word) > 1").selectExpr("word", "n", "pieces", f"{ratio} AS ratio")
    top = telling.where(f"ratio >= {_PECULIAR}").orderBy(F.desc(F.expr("n * ratio")), "word").limit(SHOWN).collect()
    yield from measured("vocabulary.domain_word", {row["word"]: 2 ** row["ratio"] for row in top})
    cut = telling.where(f"pieces >= {MANY_PIECES}").orderBy(F.desc("n"), "word").limit(SHOWN).collect()
    yield from measured("vocabulary.spelled_out", {row["word"]: row["n"] for row in cut})
