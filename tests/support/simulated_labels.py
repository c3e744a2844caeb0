"""Samples of answers that people labelled and a judge judged, in clusters, with a known truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragops.quality.statistics.agreement import agreement
from ragops.quality.statistics.correction import Labelled, prediction_powered, rogan_gladen
from ragops.quality.statistics.intervals import Interval, mean_interval, share_interval
from ragops.quality.statistics.paired import paired

LABELS, CLUSTERS = 50, 15
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Answers of which a share is good, more alike within a document, and a judge that errs."""

    share: float = 0.7
    correlation: float = 0.15
    sensitivity: float = 0.9
    specificity: float = 0.85

    @property
    def judged_share(self) -> float:
        return self.share * self.sensitivity + (1 - self.share) * (1 - self.specificity)

    @property
    def kappa(self) -> float:
        agreed = self.share * self.sensitivity + (1 - self.share) * self.specificity
        expected = self.share * self.judged_share + (1 - self.share) * (1 - self.judged_share)
        return (agreed - expected) / (1 - expected)

    def good(self, rng: np.random.Generator, numbers: NDArray[np.int64], clusters: int) -> Flags:
        """Whether each answer is good, from the numbers of their clusters."""
        strength = 1 / self.correlation - 1
        of_cluster = rng.beta(self.share * strength, (1 - self.share) * strength, clusters)
        return rng.random(len(numbers)) < of_cluster[numbers]

    def judged(self, rng: np.random.Generator, good: Flags) -> Flags:
        chance = rng.random(len(good))
        return np.where(good, chance < self.sensitivity, chance >= self.specificity)


@dataclass(frozen=True)
class Sample:
    """Labelled answers in a few clusters, and judged ones without labels in these and in others."""

    labels: Flags
    judge: Flags
    clusters: list[str]
    others: Flags
    other_clusters: list[str]

    @property
    def labelled(self) -> Labelled:
        return Labelled(self.judge.tolist(), self.labels.tolist(), self.clusters)


def samples(of: Population, count: int, judged: int = 500, documents: int = 60, seed: int = 0) -> Iterator[Sample]:
    """As many samples of 50 labels in 15 documents of unequal sizes."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        sizes = 1 + rng.multinomial(LABELS - CLUSTERS, rng.dirichlet(np.full(CLUSTERS, 3.0)))
        of_labels = np.repeat(np.arange(CLUSTERS), sizes)
        of_others = rng.choice(documents, judged, p=rng.dirichlet(np.full(documents, 3.0)))
        good = of.good(rng, np.concatenate([of_labels, of_others]), documents)
        said = of.judged(rng, good)
        yield Sample(
            labels=good[:LABELS],
            judge=said[:LABELS],
            clusters=of_labels.astype(str).tolist(),
            others=said[LABELS:],
            other_clusters=of_others.astype(str).tolist(),
        )


def _difference(sample: Sample) -> Interval:
    return paired(sample.judge, sample.labels, sample.clusters).difference


METHODS: dict[str, tuple[Callable[[Sample], Interval], Callable[[Population], float]]] = {
    "share": (lambda s: share_interval(s.labels, s.clusters), lambda of: of.share),
    "paired difference": (_difference, lambda of: of.judged_share - of.share),
    "kappa": (lambda s: agreement(s.judge.tolist(), s.labels.tolist(), s.clusters).kappa, lambda of: of.kappa),
    "prediction-powered": (
        lambda s: prediction_powered(s.others.tolist(), s.other_clusters, s.labelled),
        lambda of: of.share,
    ),
    "Rogan-Gladen": (lambda s: rogan_gladen(s.others.tolist(), s.other_clusters, s.labelled), lambda of: of.share),
}
"""Each interval with the true value that it should contain."""


def coverage(method: str, of: Population, count: int) -> float:
    """The share of samples whose interval contains the true value."""
    interval, truth = METHODS[method]
    true = truth(of)
    found = [interval(one) for one in samples(of, count)]
    return float(np.mean([one.low <= true + 1e-12 and true - 1e-12 <= one.high for one in found]))


def corrected_width(of: Population, judged: int, count: int) -> float:
    """The median width of prediction-powered intervals, as a share of those from the labels alone."""
    ratios = []
    for one in samples(of, count, judged):
        alone = mean_interval(one.labels, one.clusters)
        corrected = prediction_powered(one.others.tolist(), one.other_clusters, one.labelled)
        ratios.append((corrected.high - corrected.low) / (alone.high - alone.low))
    return float(np.median(ratios))


def monte_carlo_error(share: float, count: int) -> float:
    """The standard error of a share, from the number of samples."""
    return float(np.sqrt(share * (1 - share) / count))
