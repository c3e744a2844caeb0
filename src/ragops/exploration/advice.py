"""Advice for usecase.yml from the numbers of a profile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ragops.corpus.documents.personal import KINDS
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import SAME, Profile
from ragops.exploration.vocabulary.measures import UNKNOWN_SHARE
from ragops.exploration.wording import listed, plural, share
from ragops.usecase import UseCase

A_LANGUAGE = 0.02
"""Share of the documents from which on a language counts as one of the corpus's."""
ANOTHER_LANGUAGE = 0.05
"""Share of questions in languages that no document has: below it they are mistakes of the detector."""
MANY_COPIES = 0.1
"""Share of near-duplicates from which on they crowd each other out of the first five passages."""

_HOUR_MINUTES = 60
_DAY_MINUTES = 24 * _HOUR_MINUTES
# Divisors of an hour and of a day, which a cron expression can express.
_MINUTES = (5, 10, 15, 20, 30)
_HOURS = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class Advice:
    """One setting: its value, the suggested value (the same if nothing should change), and the reason."""

    setting: str
    now: str
    suggested: str
    because: str

    @property
    def changes(self) -> bool:
        """Whether the setting should change."""
        return self.now != self.suggested


@dataclass(frozen=True)
class Schedule:
    """A refresh every `minutes`; `cron` in Databricks' form; `idle_share` of the runs would find nothing to do."""

    minutes: int
    cron: str
    idle_share: float


def advise(profile: Profile, use_case: UseCase) -> list[Advice]:
    """One row for each setting that the profile says something about."""
    return [
        *_chunk_size(profile, use_case),
        *_model_maximum(profile, use_case),
        *_model(profile, use_case),
        _schedule(profile, use_case),
        _languages(profile, use_case),
        _classification(profile, use_case),
        _copies(profile),
    ]


def _chunk_size(profile: Profile, use_case: UseCase) -> Iterator[Advice]:
    found, now = profile.groups(Measures.CHUNKING_RECALL_AT_5), str(use_case.chunking.max_tokens)
    if now in found:
        best, noise = max(found, key=lambda size: found[size]), profile.recall_noise()
        tried = listed([f"{share(value)} at {size}" for size, value in found.items()])
        because = f"recall@5, vectors alone: {tried}; differences under {100 * noise:.0f} points are chance"
        yield Advice("chunking.max_tokens", now, best if found[best] - found[now] > noise else now, because)


def _model_maximum(profile: Profile, use_case: UseCase) -> Iterator[Advice]:
    now, size = str(use_case.embedding.max_tokens), str(use_case.chunking.max_tokens)
    if profile.has(Measures.CHUNKING_TRUNCATED_SHARE):
        cut = profile.value(Measures.CHUNKING_TRUNCATED_SHARE, size)
        because = f"{share(cut)} of the chunks of {size} tokens are longer than this with title and headings"
        yield Advice("embedding.max_tokens", now, now if cut < SAME else "more, or smaller chunks", because)


def _model(profile: Profile, use_case: UseCase) -> Iterator[Advice]:
    if profile.has(Measures.VOCABULARY_MANY_PIECES_SHARE):
        many, now = profile.value(Measures.VOCABULARY_MANY_PIECES_SHARE), use_case.embedding.name
        because = (
            f"its tokenizer splits {share(many)} of the words into four pieces or more; at {share(UNKNOWN_SHARE)} or "
            "more it would not know the vocabulary"
        )
        yield Advice("embedding.name", now, now if many < UNKNOWN_SHARE else "another, or fine-tuned", because)


def _schedule(profile: Profile, use_case: UseCase) -> Advice:
    sla, rate = use_case.sla, profile.changes_a_day()
    plan = suggest_schedule(rate or 0.0, sla.freshness_minutes, sla.refresh_minutes)
    change = (
        "how often documents change is not known yet"
        if rate is None
        else f"at {rate:.1f} changes a day {share(plan.idle_share)} of the runs would find nothing to do"
    )
    because = f"the SLA is {sla.freshness_minutes:g} minutes, of which a run takes {sla.refresh_minutes:g}; {change}"
    return Advice("refresh.jobs.yml, schedule", "as it is", plan.cron, because)


def suggest_schedule(a_day: float, freshness_minutes: float, refresh_minutes: float) -> Schedule:
    """The rarest refresh that keeps the SLA: a change waits for the next run to start, and then for it to end.

    Args:
        a_day: documents that change per day; arrivals are taken as a Poisson process, so a run after t minutes finds
            nothing with probability exp(-a_day * t / 1440).
        freshness_minutes: the use case's SLA.
        refresh_minutes: how long one refresh takes at most, by the use case.
    """
    most = max(_MINUTES[0], freshness_minutes - refresh_minutes)
    steps = [*_MINUTES, *(hours * _HOUR_MINUTES for hours in _HOURS), _DAY_MINUTES]
    minutes = max(step for step in steps if step <= most)
    return Schedule(minutes, _cron(minutes), math.exp(-a_day * minutes / _DAY_MINUTES))


def _cron(minutes: int) -> str:
    if minutes < _HOUR_MINUTES:
        return f"0 0/{minutes} * * * ?"
    if minutes < _DAY_MINUTES:
        return f"0 0 0/{minutes // _HOUR_MINUTES} * * ?"
    return "0 0 5 * * ?"


def _languages(profile: Profile, use_case: UseCase) -> Advice:
    counts, total = profile.parts(Measures.DOCUMENTS_COUNT, "language"), profile.value(Measures.DOCUMENTS_COUNT)
    found = sorted(name for name, count in counts.items() if count / total >= A_LANGUAGE and name != "unknown")
    because = "documents: " + listed([f"{share(count / total)} {name}" for name, count in list(counts.items())[:4]])
    asked = {name: count for name, count in profile.groups(Measures.QUESTIONS_LANGUAGE).items() if name != "unknown"}
    other = sum(count for name, count in asked.items() if name not in found)
    if other / max(1, sum(asked.values())) >= ANOTHER_LANGUAGE:
        because += f"; {share(other / sum(asked.values()))} of the questions are in others, which the model must know"
    return Advice("corpus.languages", ", ".join(sorted(use_case.corpus.languages)), ", ".join(found), because)


def _classification(profile: Profile, use_case: UseCase) -> Advice:
    found = {kind: profile.value(f"personal.{kind}") for kind in KINDS}
    named = listed([plural(count, kind.removesuffix("s")) for kind, count in found.items() if count])
    now = use_case.corpus.classification
    if not named:
        return Advice("corpus.classification", now, now, "no e-mail, phone, IBAN or card number was found")
    where = listed(list(profile.groups(Measures.PERSONAL_DOCUMENT))[:3])
    because = f"{named} found by simple patterns: check {where}"
    return Advice("corpus.classification", now, "internal, until reviewed" if now == "public" else now, because)


def _copies(profile: Profile) -> Advice:
    near = profile.value(Measures.DUPLICATES_NEAR) / profile.value(Measures.DOCUMENTS_COUNT)
    boilerplate = share(profile.value(Measures.BOILERPLATE_CHARACTER_SHARE))
    because = f"{share(near)} of the documents nearly repeat another one, and {boilerplate} of the text is boilerplate"
    return Advice("the landing folder", "as it is", "as it is" if near < MANY_COPIES else "without copies", because)
