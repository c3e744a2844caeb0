"""Pictures of the questions: how they are put, what they are about, and whether anything answers them."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.profile import Profile
from ragops.exploration.wording import number, plural, share
from ragops.platform.drawing import GREEN, PURPLE, Picture, axes, bars, histogram, marker

OFTEN = 0.1
_STEP = 0.05  # the width of the similarity's intervals
_NEEDS = {
    "follow-up": "earlier turns have to be put into the question",
    "multi-part": "parts should be searched one by one",
    "keyword": "lexical search matters",
}


def question_pictures(profile: Profile) -> Iterator[Picture]:
    """Kinds, clusters and similarity; none without questions."""
    if profile.value("questions.count"):
        yield kinds(profile)
        if profile.has("questions.cluster"):
            yield clusters(profile)
        if profile.has("questions.similarity"):
            yield similarity(profile)


def kinds(profile: Profile) -> Picture:
    """How questions are put, and how long they are."""
    found = dict(sorted(profile.groups("questions.kind").items(), key=lambda pair: -pair[1]))
    total, most = profile.value("questions.count"), next(iter(found))
    figure, (left, right) = axes(2, height=2.2)
    bars(left, found, title="questions by kind")
    histogram(right, profile.groups("questions.words"), GREEN, "questions", "words, from")
    often = [
        f"{share(found[name] / total)} are {name}, so {need}"
        for name, need in _NEEDS.items()
        if found[name] > OFTEN * total
    ]
    spoken = next(iter(profile.groups("questions.language")), "unknown")
    sentence = (
        f"Most of {plural(total, 'question')} ({share(found[most] / total)}) are of the kind {most}, with "
        f"{profile.value('questions.median_words'):.0f} words in the middle, mostly in "
        f"language {spoken}; {'; '.join(often) or 'one search a question will do'}."
    )
    return Picture("kinds", "How people ask", sentence, figure)


def clusters(profile: Profile) -> Picture:
    """What questions are about."""
    found = profile.groups("questions.cluster")
    figure, (at,) = axes(height=0.5 + 0.25 * len(found))
    bars(at, found, color=PURPLE, title="questions by their three most peculiar terms")
    name, part = next(iter(found)), next(iter(found.values())) / profile.value("questions.count")
    meaning = "begin with the documents on that" if part > 2 / len(found) else "no topic stands out"
    sentence = f"The largest of {plural(len(found), 'group')}, {name}, holds {share(part)} of the questions: {meaning}."
    return Picture("clusters", "What people ask about", sentence, figure)


def similarity(profile: Profile) -> Picture:
    """How near the nearest passage is."""
    found, floor = profile.groups("questions.similarity"), profile.value("questions.close_from")
    figure, (at,) = axes()
    histogram(at, found, title="questions", label="cosine to the nearest passage, from")
    marker(at, (floor - float(next(iter(found)))) / _STEP - 0.5, f"close from {floor:.2f}")
    far = profile.value("questions.far_share")
    meaning = "read those first: documents are missing, or people use other words" if far > OFTEN else "the corpus fits"
    sentence = (
        f"{share(far)} of {number(profile.value('questions.count'))} questions have no close passage, one nearer than "
        f"two standard deviations above random ones: {meaning}."
    )
    return Picture("similarity", "Whether anything is near", sentence, figure)
