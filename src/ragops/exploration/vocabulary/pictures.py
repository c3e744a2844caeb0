"""Pictures of the vocabulary: words that are the corpus's own, and what the model's tokenizer makes of words."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.profile import Profile
from ragops.exploration.vocabulary.words import MANY_PIECES, UNKNOWN_SHARE
from ragops.exploration.wording import listed, share
from ragops.platform.drawing import GREEN, PURPLE, Picture, axes, bars

_SHOWN = 14
_TIMES = "times everyday frequency (log scale)"
MOST_TIMES = 10_000
"""Beyond, a word is as good as absent from everyday language, and how absent is the word list's chance."""


def vocabulary_pictures(profile: Profile) -> Iterator[Picture]:
    """Domain words and pieces; none where no word list has the corpus's language."""
    if profile.has("vocabulary.words"):
        yield domain_words(profile)
        yield pieces(profile)


def domain_words(profile: Profile) -> Picture:
    """The words that tell this corpus from everyday language."""
    found = dict(list(profile.groups("vocabulary.domain_word").items())[:_SHOWN])
    acronyms = dict(list(profile.groups("vocabulary.acronym").items())[:_SHOWN])
    figure, (left, right) = axes(2, height=0.8 + 0.24 * max(len(found), len(acronyms)))
    bars(left, {word: min(times, MOST_TIMES) for word, times in found.items()}, "{:,.0f} ×", title=_TIMES)
    left.set_xscale("log")
    left.set_xlim(1, 20 * MOST_TIMES)
    left.set_xticks([], [])
    left.minorticks_off()
    bars(right, acronyms, color=GREEN, title="acronyms, occurrences")
    rare = profile.value("vocabulary.rare_share")
    advice = "lexical search beside dense search will pay" if rare > 0.03 else "it speaks everyday language"
    sentence = (
        f"{listed(list(found)[:3])} stand out most against everyday language, and {share(rare)} of the running words "
        f"are met less than once in a million words elsewhere: {advice}."
    )
    return Picture("domain-words", "The corpus's own words", sentence, figure)


def pieces(profile: Profile) -> Picture:
    """How many pieces words are cut into."""
    shares = profile.groups("vocabulary.pieces")
    figure, (left, right) = axes(2, height=2.9)
    last = list(shares)[-1]
    bars(left, {f"{n}{'+' if n == last else ''}": value for n, value in shares.items()}, "{:.1%}", PURPLE,
         "running words by pieces")  # fmt: skip
    spelled = dict(list(profile.groups("vocabulary.spelled_out").items())[:8])
    bars(right, spelled or {"none": 0}, color=PURPLE, title="in four pieces or more, occurrences")
    many, mean = profile.value("vocabulary.many_pieces_share"), profile.value("vocabulary.pieces_a_word")
    known = (
        "it knows this vocabulary"
        if many < UNKNOWN_SHARE
        else "it spells much of this vocabulary out, so try another model or fine-tune this one"
    )
    sentence = (
        f"The embedding model's tokenizer makes {mean:.2f} pieces of a word and cuts {share(many)} of the words into "
        f"{MANY_PIECES} or more: {known}."
    )
    return Picture("pieces", "What the model makes of words", sentence, figure)
