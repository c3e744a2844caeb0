"""Pictures of the questions: their kinds, their subjects, and whether a passage is near."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.exploration.wording import number, plural, share
from ragops.platform.drawing import GREEN, PURPLE, Picture, axes, bars, histogram, marker

OFTEN = 0.1
_STEP = 0.05  # the width of the similarity's intervals
_NEEDS = {
    "follow-up": "earlier turns have to be rewritten into the question",
    "multi-part": "parts should be searched separately",
    "keyword": "lexical search matters",
}


def question_pictures(profile: Profile) -> Iterator[Picture]:
    """Kinds, clusters and similarity; nothing without questions."""
    if profile.has(Measures.QUESTIONS_COUNT):
        yield kinds(profile)
        if profile.has(Measures.QUESTIONS_CLUSTER):
            yield clusters(profile)
        if profile.has(Measures.QUESTIONS_SIMILARITY):
            yield similarity(profile)


def kinds(profile: Profile) -> Picture:
    """The kinds of questions, and how long they are."""
    found = dict(sorted(profile.groups(Measures.QUESTIONS_KIND).items(), key=lambda pair: -pair[1]))
    total, most = profile.value(Measures.QUESTIONS_COUNT), next(iter(found))
    figure, (left, right) = axes(2, height=2.2)
    bars(left, found, title="questions by kind")
    histogram(right, profile.groups(Measures.QUESTIONS_WORDS), GREEN, "questions", "words, from")
    often = [
        f"{share(found[name] / total)} are {name}, so {need}"
        for name, need in _NEEDS.items()
        if found[name] > OFTEN * total
    ]
    language = next(iter(profile.groups(Measures.QUESTIONS_LANGUAGE)), "unknown")
    sentence = (
        f"Most of {plural(total, 'question')} ({share(found[most] / total)}) are of the kind {most}, with a median of "
        f"{profile.value(Measures.QUESTIONS_MEDIAN_WORDS):.0f} words, mostly in language {language}; "
        f"{'; '.join(often) or 'one search per question is enough'}."
    )
    return Picture("kinds", "How people ask", sentence, figure)


def clusters(profile: Profile) -> Picture:
    """What questions are about."""
    found = profile.groups(Measures.QUESTIONS_CLUSTER)
    figure, (at,) = axes(height=0.5 + 0.25 * len(found))
    bars(at, found, color=PURPLE, title="questions by their three most characteristic terms")
    name, part = next(iter(found)), next(iter(found.values())) / profile.value(Measures.QUESTIONS_COUNT)
    meaning = "begin with the documents on that" if part > 2 / len(found) else "no topic stands out"
    sentence = f"The largest of {plural(len(found), 'group')}, {name}, has {share(part)} of the questions: {meaning}."
    return Picture("clusters", "What people ask about", sentence, figure)


def similarity(profile: Profile) -> Picture:
    """How similar the nearest passage is."""
    found, floor = profile.groups(Measures.QUESTIONS_SIMILARITY), profile.value(Measures.QUESTIONS_CLOSE_FROM)
    figure, (at,) = axes()
    histogram(at, found, title="questions", label="cosine to the nearest passage, from")
    marker(at, (floor - float(next(iter(found)))) / _STEP - 0.5, f"close from {floor:.2f}")
    far = profile.value(Measures.QUESTIONS_FAR_SHARE)
    meaning = "read those first: documents are missing, or people use other words" if far > OFTEN else "the corpus fits"
    sentence = (
        f"{share(far)} of {number(profile.value(Measures.QUESTIONS_COUNT))} questions have no close passage, one more "
        f"than two standard deviations above random ones: {meaning}."
    )
    return Picture("similarity", "Whether a passage is near", sentence, figure)
