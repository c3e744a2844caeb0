"""What the numbers suggest for usecase.yml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragops.corpus.documents.personal import KINDS
from ragops.exploration.documents.updates import suggest_schedule
from ragops.exploration.profile import Profile
from ragops.exploration.rates import SAME, changes_a_day, recall_noise
from ragops.exploration.vocabulary.words import UNKNOWN_SHARE
from ragops.exploration.wording import listed, plural, share, split_of
from ragops.usecase import UseCase

A_LANGUAGE = 0.02
"""Share of the documents from which on a language counts as one of the corpus's."""
ANOTHER_LANGUAGE = 0.05
"""Share of questions in languages that documents do not have: fewer are the detector's mistakes, short as they are."""
MANY_COPIES = 0.1
"""Share of near-duplicates from which on they crowd each other out of the first five passages."""


@dataclass(frozen=True)
class Advice:
    """One setting: what it is, what the numbers suggest (equal where nothing should change), and why."""

    setting: str
    now: str
    suggested: str
    because: str

    @property
    def changes(self) -> bool:
        """Whether anything should change."""
        return self.now != self.suggested


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
    found, now = profile.groups("chunking.recall_at_5"), str(use_case.chunking.max_tokens)
    if now in found:
        best, noise = max(found, key=lambda size: found[size]), recall_noise(profile)
        tried = listed([f"{share(value)} at {size}" for size, value in found.items()])
        because = f"recall among five, vectors alone: {tried}; differences under {100 * noise:.0f} points are chance"
        yield Advice("chunking.max_tokens", now, best if found[best] - found[now] > noise else now, because)


def _model_maximum(profile: Profile, use_case: UseCase) -> Iterator[Advice]:
    now, size = str(use_case.embedding.max_tokens), str(use_case.chunking.max_tokens)
    if profile.has("chunking.truncated_share"):
        cut = profile.value("chunking.truncated_share", size)
        because = f"{share(cut)} of the chunks at {size} tokens, title and headings included, are longer than it reads"
        yield Advice("embedding.max_tokens", now, now if cut < SAME else "more, or smaller chunks", because)


def _model(profile: Profile, use_case: UseCase) -> Iterator[Advice]:
    if profile.has("vocabulary.many_pieces_share"):
        many, now = profile.value("vocabulary.many_pieces_share"), use_case.embedding.name
        because = (
            f"its tokenizer cuts {share(many)} of the words into four pieces or more; from {share(UNKNOWN_SHARE)} on "
            "it would not know the vocabulary"
        )
        yield Advice("embedding.name", now, now if many < UNKNOWN_SHARE else "another, or fine-tuned", because)


def _schedule(profile: Profile, use_case: UseCase) -> Advice:
    sla, rate = use_case.sla, changes_a_day(profile)
    plan = suggest_schedule(rate or 0.0, sla.freshness_minutes, sla.refresh_minutes)
    because = (
        f"found within {sla.freshness_minutes:g} minutes is promised, {sla.refresh_minutes:g} of them are the run's; "
    )
    because += (
        "how often documents change is not known yet"
        if rate is None
        else f"at {rate:.1f} changes a day {share(plan.idle_share)} of the runs would find nothing to do"
    )
    return Advice("refresh.jobs.yml, schedule", "as it is", plan.cron, because)


def _languages(profile: Profile, use_case: UseCase) -> Advice:
    counts, total = split_of(profile.groups("documents.count"), "language"), profile.value("documents.count")
    found = sorted(name for name, count in counts.items() if count / total >= A_LANGUAGE and name != "unknown")
    because = listed([f"{share(count / total)} {name}" for name, count in list(counts.items())[:4]]) + " by document"
    asked = {name: count for name, count in profile.groups("questions.language").items() if name != "unknown"}
    other = sum(count for name, count in asked.items() if name not in found)
    if other / max(1, sum(asked.values())) >= ANOTHER_LANGUAGE:
        because += f"; {share(other / sum(asked.values()))} of the questions are in others: the model has to know both"
    return Advice("corpus.languages", ", ".join(sorted(use_case.corpus.languages)), ", ".join(found), because)


def _classification(profile: Profile, use_case: UseCase) -> Advice:
    found = {kind: profile.value(f"personal.{kind}") for kind in KINDS}
    named = listed([plural(count, kind.removesuffix("s")) for kind, count in found.items() if count])
    now = use_case.corpus.classification
    if not named:
        return Advice("corpus.classification", now, now, "no e-mail, phone, IBAN or use case number was found")
    where = listed(list(profile.groups("personal.document"))[:3])
    because = f"{named} by simple patterns: look at {where}"
    return Advice("corpus.classification", now, "internal, until looked at" if now == "public" else now, because)


def _copies(profile: Profile) -> Advice:
    near = profile.value("duplicates.near") / profile.value("documents.count")
    because = (
        f"{share(near)} of the documents repeat another, and {share(profile.value('boilerplate.character_share'))} of "
        "the text is boilerplate"
    )
    return Advice("the landing folder", "as it is", "as it is" if near < MANY_COPIES else "without copies", because)
