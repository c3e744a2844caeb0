"""A map of the corpus: a bounded sample of its vectors in two dimensions, and its picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.embeddings.interface import Vectors
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import ALL, Measure, Profile
from ragops.exploration.questions.measures import live_vectors
from ragops.exploration.wording import share
from ragops.platform.drawing import COLORS, INK, Picture, axes, legend
from ragops.platform.workspace import Workspace

MOST_POINTS = 1_000
FEWEST_POINTS = 10
NEIGHBORS = 10
_SHARP = 2.0
"""How much more often than by chance neighbors have the same source, for sources to be about different things."""


def profile_map(workspace: Workspace, model: EmbeddingModel, profile: Profile) -> None:
    """Adds the map's points to the profile, and how often a passage's neighbors have its source."""
    sample = live_vectors(workspace, model).orderBy(F.xxhash64("text_hash")).limit(MOST_POINTS).toPandas()
    if len(sample) < FEWEST_POINTS:
        return
    vectors = np.stack(sample["embedding"].tolist()).astype(np.float32)
    profile.points = pd.DataFrame(coordinates(vectors), columns=["x", "y"]).assign(source=sample["source"])
    same, chance = purity(vectors, sample["source"])
    profile.add([Measure(Measures.MAP_SAME_SOURCE_SHARE, ALL, same)])
    profile.add([Measure(Measures.MAP_SAME_SOURCE_BY_CHANCE, ALL, chance)])


def coordinates(vectors: Vectors) -> Vectors:
    """Two coordinates for each vector, by t-SNE after PCA: near points are similar passages; distances mean nothing."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    reduced = PCA(min(50, *vectors.shape), random_state=0).fit_transform(vectors)
    perplexity = min(30, (len(vectors) - 1) / 3)
    found: Vectors = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(reduced)
    return found


def purity(vectors: Vectors, sources: pd.Series) -> tuple[float, float]:
    """The mean share of each vector's ten nearest that have its source, and the share expected by chance."""
    from sklearn.neighbors import NearestNeighbors

    codes = sources.astype("category").cat.codes.to_numpy()
    count = min(NEIGHBORS + 1, len(vectors))
    found = NearestNeighbors(n_neighbors=count, metric="cosine").fit(vectors).kneighbors(vectors, return_distance=False)
    shares = np.bincount(codes) / len(codes)
    return float((codes[found[:, 1:]] == codes[:, None]).mean()), float((shares**2).sum())


def map_pictures(profile: Profile) -> Iterator[Picture]:
    """The map; nothing if there are too few passages."""
    if len(profile.points):
        yield corpus_map(profile)


def corpus_map(profile: Profile) -> Picture:
    """The passages as points, colored by source."""
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
    same, chance = profile.value(Measures.MAP_SAME_SOURCE_SHARE), profile.value(Measures.MAP_SAME_SOURCE_BY_CHANCE)
    if len(sources) == 1:
        meaning = "there is only one source"
    elif same > _SHARP * chance:
        meaning = "sources are about different things, so a filter by source is sharp"
    else:
        meaning = "sources overlap, so one index for all of them is right"
    sentence = f"{share(same)} of a passage's ten nearest are of its own source, by chance {share(chance)}: {meaning}."
    return Picture("map", "The map of the corpus", sentence, figure)
