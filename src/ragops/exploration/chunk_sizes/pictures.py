"""Pictures of chunk sizes and of the corpus's map."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.profile import Profile
from ragops.exploration.rates import SAME, recall_noise
from ragops.exploration.wording import number, share
from ragops.platform.drawing import (
    BLUE,
    COLORS,
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

_QUANTILES = ("q05", "q25", "q50", "q75", "q95")
_SHARP = 2.0


def chunk_pictures(profile: Profile, model_tokens: int, chosen: int) -> Iterator[Picture]:
    """Lengths at each size, recall where measured; `chosen`: the size in usecase.yml, `model_tokens`: what is read."""
    yield chunk_lengths(profile, model_tokens, chosen)
    if profile.has("chunking.recall_at_5"):
        yield recall(profile, chosen)


def map_pictures(profile: Profile) -> Iterator[Picture]:
    """The map; none where there are too few passages."""
    if len(profile.points):
        yield corpus_map(profile)


def chunk_lengths(profile: Profile, model_tokens: int, chosen: int) -> Picture:
    """How long chunks get."""
    counts = profile.groups("chunking.chunks")
    figure, (at,) = axes()
    for place, size in enumerate(counts):
        low, lower, middle, upper, high = (profile.value(f"chunking.tokens_{q}", size) for q in _QUANTILES)
        at.plot([place, place], [low, high], color=BLUE, linewidth=1.5, alpha=0.6)
        at.plot([place, place], [lower, upper], color=BLUE, linewidth=11, solid_capstyle="butt")
        at.plot([place - 0.1, place + 0.1], [middle, middle], color=ORANGE, linewidth=2)
    at.set_xticks(range(len(counts)), [f"{size}\n{number(count)} chunks" for size, count in counts.items()])
    at.set_xlim(-0.6, len(counts) - 0.4)
    at.axhline(model_tokens, color=RED, linewidth=1.2, linestyle=(0, (4, 2)))
    at.annotate(f"the model reads {model_tokens:,}", (-0.55, model_tokens), xytext=(0, 4), color=RED, fontsize=8.5,
                textcoords="offset points")  # fmt: skip
    set_title(at, "tokens of a chunk: nine in ten, half of them, the middle")
    horizontal_lines(at)
    cut = profile.groups("chunking.truncated_share")
    first = next((size for size in cut if cut[size] > SAME), None)
    rest = f"at {first}, {share(cut[first])} of the chunks would be cut off" if first else "no size tried is beyond it"
    middle, unseen = (profile.value(f"chunking.{name}", str(chosen)) for name in ("tokens_q50", "unseen_share"))
    sentence = (
        f"At the use case's size of {chosen} the middle chunk has {number(middle)} tokens and the model sees "
        f"{share(1 - unseen)} of the text; {rest}."
    )
    return Picture("chunk-lengths", "How long chunks get", sentence, figure)


def recall(profile: Profile, chosen: int) -> Picture:
    """What is found at each size."""
    at_5, own = profile.groups("chunking.recall_at_5"), str(chosen)
    figure, (at,) = axes()
    for depth, color in ((10, GREEN), (5, BLUE)):
        values = profile.groups(f"chunking.recall_at_{depth}")
        at.plot(list(values), list(values.values()), "o-", color=color, label=f"among the first {depth}")
        for size, value in values.items():
            at.annotate(share(value), (size, value), xytext=(0, 6), textcoords="offset points", ha="center",
                        color=INK, fontsize=8.5)  # fmt: skip
    at.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    at.margins(y=0.25)
    at.set_xlabel("largest chunk, tokens")
    horizontal_lines(at)
    legend(at)
    best, noise = max(at_5, key=lambda size: at_5[size]), recall_noise(profile)
    gained = at_5[best] - at_5.get(own, 0.0)
    meaning = f"chunks of {best} find more, {share(at_5[best])}" if gained > noise else "no other size finds more than"
    meaning += "" if gained > noise else f" chance would give ({100 * noise:.0f} points), so keep it"
    sentence = (
        f"With chunks of {own} tokens {share(at_5.get(own, 0.0))} of {number(profile.value('chunking.questions'))} "
        f"questions find their answer among five passages, by vectors alone; {meaning}."
    )
    return Picture("recall", "What is found", sentence, figure)


def corpus_map(profile: Profile) -> Picture:
    """Where passages lie, by source."""
    points, sources = profile.points, profile.points["source"].value_counts().index
    figure, (at,) = axes(height=4.6)
    for source, color in zip(sources, COLORS, strict=False):
        some = points[points["source"] == source]
        at.scatter(some["x"], some["y"], s=11, color=color, label=source, alpha=0.75, linewidths=0)
    rest = points[points["source"].isin(sources[len(COLORS) :])]
    if len(rest):
        at.scatter(rest["x"], rest["y"], s=11, color=INK, label="others", alpha=0.4, linewidths=0)
    at.set_axis_off()
    legend(at)
    same, chance = profile.value("map.same_source_share"), profile.value("map.same_source_by_chance")
    if len(sources) == 1:
        meaning = "there is one source only"
    elif same > _SHARP * chance:
        meaning = "sources speak of different things, so a filter by source is sharp"
    else:
        meaning = "sources overlap, so one index for all of them is right"
    sentence = f"{share(same)} of a passage's ten nearest are of its own source, by chance {share(chance)}: {meaning}."
    return Picture("map", "The map of the corpus", sentence, figure)
