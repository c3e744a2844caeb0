"""The maturity ladder: prompt engineering, retrieval, fine-tuning, pretraining; each with evidence for or against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragops.exploration.profile import Profile
from ragops.exploration.rates import changes_a_day
from ragops.exploration.vocabulary.words import UNKNOWN_SHARE
from ragops.exploration.wording import number, share
from ragops.usecase import UseCase

PROMPT_TOKENS = 100_000
"""What a prompt may hold of documents: models take more by now, at a price and with less attention to each page."""
PASSAGES_TOKENS = 1_000
"""Five passages."""
LABELLED_PAIRS = 1_000
"""Pairs of question and passage, fewer of which rarely move an embedding model: a rule of thumb."""
PRETRAINING_TOKENS = 1e9
"""Tokens: continued pretraining on less changes little. A rule of thumb."""

Verdict = Literal["enough", "not enough", "now", "not yet", "no"]


@dataclass(frozen=True)
class Step:
    """A step of the ladder, whether it is time for it, and the evidence."""

    name: str
    verdict: Verdict
    evidence: str


def ladder(profile: Profile, use_case: UseCase) -> list[Step]:
    """The four steps, from the cheapest up."""
    return [_prompting(profile), _retrieval(profile, use_case), _fine_tuning(profile, use_case), _pretraining(profile)]


def _prompting(profile: Profile) -> Step:
    tokens = _llm_tokens(profile)
    fits = tokens <= PROMPT_TOKENS
    held = "it fits into one prompt" if fits else f"{tokens / PROMPT_TOKENS:,.1f} times what a prompt may hold"
    price = max(1.0, tokens / PASSAGES_TOKENS)
    evidence = (
        f"{number(tokens)} tokens: {held}; every question would pay for {price:,.0f} times what five passages cost"
    )
    return Step("Prompt engineering alone", "enough" if fits else "not enough", evidence)


def _retrieval(profile: Profile, use_case: UseCase) -> Step:
    rate, found = changes_a_day(profile), _recall(profile, use_case)
    large = _llm_tokens(profile) > PROMPT_TOKENS
    recall = (
        "no question with a known answer was there to measure it"
        if found is None
        else f"{share(found)} of the questions find their answer among five passages (the use case asks for "
        f"{share(_floor(use_case))})"
    )
    change = "" if rate is None else f"; {rate:.1f} documents change a day, which an index follows"
    return Step("Retrieval (RAG)", "now" if large or (rate or 0) >= 1 else "not yet", recall + change)


def _fine_tuning(profile: Profile, use_case: UseCase) -> Step:
    many, pairs = profile.value("vocabulary.many_pieces_share"), profile.value("chunking.questions")
    found = _recall(profile, use_case)
    low = found is not None and found < _floor(use_case)
    needed = many >= UNKNOWN_SHARE or low
    evidence = (
        f"recall is {'below' if low else 'not below'} the floor in usecase.yml, the tokenizer spells out {share(many)} "
        f"of the words; of the {LABELLED_PAIRS:,} questions with known passages that it takes there are {number(pairs)}"
    )
    ready = needed and pairs >= LABELLED_PAIRS
    return Step("Fine-tuning the embeddings", "now" if ready else "not yet" if needed else "no", evidence)


def _pretraining(profile: Profile) -> Step:
    tokens = _llm_tokens(profile)
    evidence = f"{number(tokens)} tokens, of the billion at which it begins to pay"
    return Step("Pretraining", "not yet" if tokens >= PRETRAINING_TOKENS else "no", evidence)


def _llm_tokens(profile: Profile) -> float:
    """What prompts are measured in; earlier profiles counted as the embedding model does only."""
    return profile.value("documents.llm_tokens", default=profile.value("documents.tokens"))


def _recall(profile: Profile, use_case: UseCase) -> float | None:
    return profile.groups("chunking.recall_at_5").get(str(use_case.chunking.max_tokens))


def _floor(use_case: UseCase) -> float:
    return next((one.at_least for one in use_case.success if one.measure == "recall_at_5"), 0.0)
