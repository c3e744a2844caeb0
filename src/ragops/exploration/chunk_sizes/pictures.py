"""Pictures of chunk sizes: how long chunks get, and what is found at each size."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import SAME, Profile
from ragops.exploration.wording import number, share
from ragops.platform.drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    Picture,
    axes,
    horizontal_lines,
    legend,
    set_title,
)

_QUANTILES = (
    Measures.CHUNKING_TOKENS_Q05,
    Measures.CHUNKING_TOKENS_Q25,
    Measures.CHUNKING_TOKENS_Q50,
    Measures.CHUNKING_TOKENS_Q75,
    Measures.CHUNKING_TOKENS_Q95,
)


def chunk_pictures(profile: Profile, model_tokens: int, chosen: int) -> Iterator[Picture]:
    """Lengths at each size, and recall if it was measured.

    Args:
        profile: the numbers.
        model_tokens: how many tokens the embedding model reads.
        chosen: the size in usecase.yml.
    """
    yield chunk_lengths(profile, model_tokens, chosen)
    if profile.has(Measures.CHUNKING_RECALL_AT_5):
        yield recall(profile, chosen)


def chunk_lengths(profile: Profile, model_tokens: int, chosen: int) -> Picture:
    """How long chunks get."""
    counts = profile.groups(Measures.CHUNKING_CHUNKS)
    figure, (at,) = axes()
    for x, size in enumerate(counts):
        low, lower, median, upper, high = (profile.value(name, size) for name in _QUANTILES)
        at.plot([x, x], [low, high], color=BLUE, linewidth=1.5, alpha=0.6)
        at.plot([x, x], [lower, upper], color=BLUE, linewidth=11, solid_capstyle="butt")
        at.plot([x - 0.1, x + 0.1], [median, median], color=ORANGE, linewidth=2)
    at.set_xticks(range(len(counts)), [f"{size}\n{number(count)} chunks" for size, count in counts.items()])
    at.set_xlim(-0.6, len(counts) - 0.4)
    at.axhline(model_tokens, color=RED, linewidth=1.2, linestyle=(0, (4, 2)))
    at.annotate(f"the model reads {model_tokens:,}", (-0.55, model_tokens), xytext=(0, 4), color=RED, fontsize=8.5,
                textcoords="offset points")  # fmt: skip
    set_title(at, "tokens of a chunk: nine in ten, half of them, the median")
    horizontal_lines(at)
    cut = profile.groups(Measures.CHUNKING_TRUNCATED_SHARE)
    first = next((size for size in cut if cut[size] > SAME), None)
    rest = f"at {first}, {share(cut[first])} of the chunks would be cut off" if first else "no size tried exceeds that"
    median = profile.value(Measures.CHUNKING_TOKENS_Q50, str(chosen))
    unseen = profile.value(Measures.CHUNKING_UNSEEN_SHARE, str(chosen))
    sentence = (
        f"At the use case's size of {chosen} the median chunk has {number(median)} tokens and the model sees "
        f"{share(1 - unseen)} of the text; {rest}."
    )
    return Picture("chunk-lengths", "Chunk lengths", sentence, figure)


def recall(profile: Profile, chosen: int) -> Picture:
    """What is found at each size."""
    at_5, own = profile.groups(Measures.CHUNKING_RECALL_AT_5), str(chosen)
    figure, (at,) = axes()
    for depth, color, values in ((10, GREEN, profile.groups(Measures.CHUNKING_RECALL_AT_10)), (5, BLUE, at_5)):
        at.plot(list(values), list(values.values()), "o-", color=color, label=f"recall@{depth}")
        for size, value in values.items():
            at.annotate(share(value), (size, value), xytext=(0, 6), textcoords="offset points", ha="center",
                        color=INK, fontsize=8.5)  # fmt: skip
    at.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    at.margins(y=0.25)
    at.set_xlabel("largest chunk, tokens")
    horizontal_lines(at)
    legend(at)
    best, noise = max(at_5, key=lambda size: at_5[size]), profile.recall_noise()
    if at_5[best] - at_5.get(own, 0.0) > noise:
        meaning = f"chunks of {best} find more, {share(at_5[best])}"
    else:
        meaning = f"no other size finds more than chance would give ({100 * noise:.0f} points), so keep it"
    sentence = (
        f"With chunks of {own} tokens {share(at_5.get(own, 0.0))} of "
        f"{number(profile.value(Measures.CHUNKING_QUESTIONS))} questions find their answer among five passages, by "
        f"vectors alone; {meaning}."
    )
    return Picture("recall", "Recall by chunk size", sentence, figure)
