"""Which answers are reviewed. The draw depends on nothing but the answers, so that it is the same in each run.

Answers are ordered by a hash of their id, and each stratum takes the first ones. Reviewers see them in this order, so
whatever they have labelled of the random stratum is a random sample, wherever they stop. An answer keeps the stratum in
which it was drawn first: one that is drawn at random counts in rates, whatever else is known of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ragops.quality.review.rows import Stratum

OPEN: Mapping[Stratum, int] = {"random": 50, "disagreement": 25, "thumbs down": 25}
"""How many answers of each stratum wait for labels at the same time."""
# Reviewers' agreement with each other needs answers that two of them label; each costs a label that is then missing
# elsewhere. Chosen by the hash: a choice by what the first reviewer said would bias kappa.
_SHARE_LABELLED_TWICE = 0.2


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that could be reviewed.

    Attributes:
        answer_id: the answer.
        judged: whether a judge has scored it.
        disagreement: whether people's thumbs contradict a judge, or a judge's versions contradict each other.
        thumbs_down: whether somebody found it not helpful.
    """

    answer_id: str
    judged: bool = False
    disagreement: bool = False
    thumbs_down: bool = False


def draw(
    candidates: Sequence[Candidate], drawn: Mapping[str, Stratum], finished: Collection[str]
) -> dict[str, Stratum]:
    """The answers that are drawn in addition, with their strata.

    Once any answer is judged, only judged ones are drawn at random: labels of others say nothing about a judge.

    Args:
        candidates: all answers that could be reviewed now.
        drawn: those drawn before.
        finished: those of them that have all the labels they need.
    """
    known = {one.answer_id for one in candidates}
    judged = any(one.judged for one in candidates)
    eligible = {
        "random": [one for one in candidates if one.judged or not judged],
        "disagreement": [one for one in candidates if one.disagreement],
        "thumbs down": [one for one in candidates if one.thumbs_down],
    }
    new: dict[str, Stratum] = {}
    for stratum, limit in OPEN.items():
        waiting = sum(drawn[key] == stratum for key in drawn if key in known and key not in finished)
        left = sorted({one.answer_id for one in eligible[stratum]} - drawn.keys() - new.keys(), key=position)
        new |= dict.fromkeys(left[: max(0, limit - waiting)], stratum)
    return new


def position(answer_id: str, salt: str = "review") -> float:
    """The place of an answer in the order of reviews, 0 to 1."""
    digest = hashlib.sha256(f"{salt} {answer_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def reviewers_needed(answer_id: str, reviewers: int) -> int:
    """How many of the use case's reviewers label an answer: two of a fifth of the answers, where there are two."""
    return 2 if reviewers > 1 and position(answer_id, "twice") < _SHARE_LABELLED_TWICE else 1
