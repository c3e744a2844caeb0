"""Pictures of the vocabulary: the corpus's characteristic words, and how the model's tokenizer splits words."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.exploration.vocabulary.measures import MANY_PIECES, UNKNOWN_SHARE
from ragops.exploration.wording import listed, share
from ragops.platform.drawing import GREEN, PURPLE, Picture, axes, bars

_SHOWN = 14
_TIMES = "times everyday frequency (log scale)"
MOST_TIMES = 10_000
"""Words beyond this are practically absent from everyday language; how far beyond is chance in the word list."""


def vocabulary_pictures(profile: Profile) -> Iterator[Picture]:
    """Domain words and pieces; nothing if there is no word list for the corpus's language."""
    if profile.has(Measures.VOCABULARY_WORDS):
        yield domain_words(profile)
        yield pieces(profile)


def domain_words(profile: Profile) -> Picture:
    """The words that distinguish this corpus from everyday language."""
    found = dict(list(profile.groups(Measures.VOCABULARY_DOMAIN_WORD).items())[:_SHOWN])
    acronyms = dict(list(profile.groups(Measures.VOCABULARY_ACRONYM).items())[:_SHOWN])
    figure, (left, right) = axes(2, height=0.8 + 0.24 * max(len(found), len(acronyms)))
    bars(left, {word: min(times, MOST_TIMES) for word, times in found.items()}, "{:,.0f} ×", title=_TIMES)
    left.set_xscale("log")
    left.set_xlim(1, 20 * MOST_TIMES)
    left.set_xticks([], [])
    left.minorticks_off()
    bars(right, acronyms, color=GREEN, title="acronyms, occurrences")
    rare = profile.value(Measures.VOCABULARY_RARE_SHARE)
    advice = "combine lexical with dense search" if rare > 0.03 else "it is mostly everyday language"
    sentence = (
        f"{listed(list(found)[:3])} stand out most from everyday language, and {share(rare)} of the running words "
        f"occur less than once in a million words elsewhere: {advice}."
    )
    return Picture("domain-words", "The corpus's own words", sentence, figure)


def pieces(profile: Profile) -> Picture:
    """How many pieces words are split into."""
    shares = profile.groups(Measures.VOCABULARY_PIECES)
    figure, (left, right) = axes(2, height=2.9)
    last = list(shares)[-1]
    bars(left, {f"{n}{'+' if n == last else ''}": value for n, value in shares.items()}, "{:.1%}", PURPLE,
         "running words by pieces")  # fmt: skip
    spelled = dict(list(profile.groups(Measures.VOCABULARY_SPELLED_OUT).items())[:8])
    bars(right, spelled or {"none": 0}, color=PURPLE, title="in four pieces or more, occurrences")
    many = profile.value(Measures.VOCABULARY_MANY_PIECES_SHARE)
    mean = profile.value(Measures.VOCABULARY_PIECES_A_WORD)
    known = (
        "it knows this vocabulary"
        if many < UNKNOWN_SHARE
        else "it spells much of this vocabulary out, so try another model or fine-tune this one"
    )
    sentence = (
        f"The embedding model's tokenizer splits a word into {mean:.2f} pieces on average and {share(many)} of the "
        f"words into {MANY_PIECES} or more: {known}."
    )
    return Picture("pieces", "How the model splits words", sentence, figure)
