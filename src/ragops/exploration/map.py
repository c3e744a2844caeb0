"""A map of the corpus: a bounded sample of its vectors, laid out in two dimensions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.embeddings.interface import Vectors
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.exploration.profile import ALL, Measure, Profile
from ragops.exploration.questions.measures import live_vectors
from ragops.platform.workspace import Workspace

MOST_POINTS = 1_000
FEWEST_POINTS = 10
NEIGHBOURS = 10


def profile_map(workspace: Workspace, model: EmbeddingModel, profile: Profile) -> None:
    """Adds the map's points to the profile, and how often a passage's neighbours are of its own source."""
    sample = live_vectors(workspace, model).orderBy(F.xxhash64("text_hash")).limit(MOST_POINTS).toPandas()
    if len(sample) < FEWEST_POINTS:
        return
    vectors = np.stack(sample["embedding"].tolist()).astype(np.float32)
    profile.points = pd.DataFrame(lay_out(vectors), columns=["x", "y"]).assign(source=sample["source"])
    same, chance = purity(vectors, sample["source"])
    profile.add([Measure("map.same_source_share", ALL, same), Measure("map.same_source_by_chance", ALL, chance)])


def lay_out(vectors: Vectors) -> Vectors:
    """Two coordinates for each vector, by t-SNE after PCA: near points are near passages, far ones say nothing."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    reduced = PCA(min(50, *vectors.shape), random_state=0).fit_transform(vectors)
    perplexity = min(30, (len(vectors) - 1) / 3)
    placed: Vectors = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(reduced)
    return placed


def purity(vectors: Vectors, sources: pd.Series) -> tuple[float, float]:
    """The share of each vector's ten nearest that have its source, on average, and what chance would give."""
    from sklearn.neighbors import NearestNeighbors

    codes = sources.astype("category").cat.codes.to_numpy()
    count = min(NEIGHBOURS + 1, len(vectors))
    found = NearestNeighbors(n_neighbors=count, metric="cosine").fit(vectors).kneighbors(vectors, return_distance=False)
    shares = np.bincount(codes) / len(codes)
    return float((codes[found[:, 1:]] == codes[:, None]).mean()), float((shares**2).sum())
