"""The corpus's words compared with everyday language, and how a tokenizer splits them.

They are counted and rated on the workers over a bounded sample; only the most characteristic ones are fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.exploration.facts import readable
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import ALL, Measure, measured
from ragops.exploration.text_counts import acronyms, prose, words
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_DOCUMENTS = 20_000
"""More do not change which words are characteristic."""
MOST_CHARACTERS = 100_000
"""The beginning of each document: more of one book changes nothing either, and workers need little memory."""
DOCUMENTS_A_BATCH = 100
SHOWN = 20
_FEWEST = 3  # occurrences: rarer words are misspellings as often as terms
_CHARACTERISTIC = 3.0  # eight times as frequent as elsewhere, as a power of two
_MOST_PIECES = 6
_COUNTS = "kind STRING, word STRING, n BIGINT"
_RATED = "word STRING, n BIGINT, frequency DOUBLE, pieces INT"

UNSEEN = 1e-8
"""The frequency of a word that the list does not contain; the list ends at about one in a hundred million."""
RARE = 1e-6
"""A word below once in a million words is rare: most people read it less than once a year."""
EVERYDAY = 1e-5
MANY_PIECES = 4
"""A word split into this many pieces is spelled out rather than known to the model."""
UNKNOWN_SHARE = 0.05
"""From this share of running words in many pieces on, a model does not know the vocabulary. A rule of thumb."""

# Word lists of these languages need a dictionary to separate words.
_UNSPACED = frozenset({"zh", "ja", "ko"})


class Word(NamedTuple):
    """A word of the corpus: its number of occurrences, its everyday frequency, and its number of pieces.

    `frequency` is a share of all running words, 0 to 1.
    """

    word: str
    times: int
    frequency: float
    pieces: int


def supported(language: str) -> bool:
    """Whether there is a list of the language's words."""
    from wordfreq import available_languages

    return language not in _UNSPACED and language in available_languages("best")


def is_everyday(word: str, language: str) -> bool:
    """Whether a word in capitals is an everyday word, more frequent than one in 100,000, and not an acronym."""
    from wordfreq import word_frequency

    return supported(language) and word_frequency(word.lower(), language) > EVERYDAY


def rate(counts: Iterable[tuple[str, int]], language: str, count_tokens: TokenCounter) -> Iterator[Word]:
    """Rates words in lower case with their counts."""
    from wordfreq import get_frequency_dict

    everyday, counted = get_frequency_dict(language), list(counts)
    pieces = count_tokens([word for word, _ in counted])
    for (word, count), number in zip(counted, pieces, strict=True):
        yield Word(word, count, max(UNSEEN, everyday.get(word, 0.0)), number)


def beginnings(documents: DataFrame) -> DataFrame:
    """The beginnings of about MOST_DOCUMENTS documents (markdown) at most, a hundred per batch.

    They are chosen by their hash, so they are the same each time.
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
    yield from measured(Measures.VOCABULARY_ACRONYM, {row["word"]: row["n"] for row in names})
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
    yield Measure(Measures.VOCABULARY_WORDS, ALL, total)
    yield Measure(Measures.VOCABULARY_DISTINCT_WORDS, ALL, sum(row["words"] for row in rows))
    yield Measure(Measures.VOCABULARY_RARE_SHARE, ALL, sum(row["rare"] for row in rows) / total)
    yield Measure(Measures.VOCABULARY_PIECES_A_WORD, ALL, sum(row["n"] * row["pieces"] for row in rows) / total)
    many = sum(row["n"] for row in rows if row["pieces"] >= MANY_PIECES)
    yield Measure(Measures.VOCABULARY_MANY_PIECES_SHARE, ALL, many / total)
    yield from measured(Measures.VOCABULARY_PIECES, {str(row["pieces"]): row["n"] / total for row in rows})
    ratio = f"log2(n / {total} / frequency)"
    frequent = rated.where(f"n >= {_FEWEST} AND length(word) > 1").selectExpr(
        "word", "n", "pieces", f"{ratio} AS ratio"
    )
    top = (
        frequent.where(f"ratio >= {_CHARACTERISTIC}")
        .orderBy(F.desc(F.expr("n * ratio")), "word")
        .limit(SHOWN)
        .collect()
    )
    yield from measured(Measures.VOCABULARY_DOMAIN_WORD, {row["word"]: 2 ** row["ratio"] for row in top})
    cut = frequent.where(f"pieces >= {MANY_PIECES}").orderBy(F.desc("n"), "word").limit(SHOWN).collect()
    yield from measured(Measures.VOCABULARY_SPELLED_OUT, {row["word"]: row["n"] for row in cut})
