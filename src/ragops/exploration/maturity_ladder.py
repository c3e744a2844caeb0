"""The maturity ladder: prompt engineering, retrieval, fine-tuning, pretraining; each with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import Profile
from ragops.exploration.vocabulary.measures import UNKNOWN_SHARE
from ragops.exploration.wording import number, share
from ragops.usecase import UseCase

PROMPT_TOKENS = 100_000
"""Tokens of documents in a prompt, at most: models accept more, at a price and with less attention to each page."""
PASSAGES_TOKENS = 1_000
"""Five passages."""
LABELED_PAIRS = 1_000
"""Pairs of question and passage; fewer rarely improve an embedding model. A rule of thumb."""
PRETRAINING_TOKENS = 1e9
"""Continued pretraining on fewer tokens changes little. A rule of thumb."""

Verdict = Literal["enough", "not enough", "now", "not yet", "no"]


@dataclass(frozen=True)
class Step:
    """A step of the ladder, whether it is time for it, and the evidence."""

    name: str
    verdict: Verdict
    evidence: str


def ladder(profile: Profile, use_case: UseCase) -> list[Step]:
    """The four steps, the cheapest first."""
    return [_prompting(profile), _retrieval(profile, use_case), _fine_tuning(profile, use_case), _pretraining(profile)]


def _prompting(profile: Profile) -> Step:
    tokens = _llm_tokens(profile)
    fits = tokens <= PROMPT_TOKENS
    size = "they fit into one prompt" if fits else f"{tokens / PROMPT_TOKENS:,.1f} times what a prompt may contain"
    price = max(1.0, tokens / PASSAGES_TOKENS)
    evidence = f"{number(tokens)} tokens: {size}; every question would cost {price:,.0f} times as much as five passages"
    return Step("Prompt engineering alone", "enough" if fits else "not enough", evidence)


def _retrieval(profile: Profile, use_case: UseCase) -> Step:
    rate, found = profile.changes_a_day(), _recall(profile, use_case)
    large = _llm_tokens(profile) > PROMPT_TOKENS
    recall = (
        "recall was not measured: no question has a known answer"
        if found is None
        else f"{share(found)} of the questions find their answer among five passages (the use case requires "
        f"{share(_floor(use_case))})"
    )
    change = "" if rate is None else f"; {rate:.1f} documents change a day, which an index follows"
    return Step("Retrieval (RAG)", "now" if large or (rate or 0) >= 1 else "not yet", recall + change)


def _fine_tuning(profile: Profile, use_case: UseCase) -> Step:
    many = profile.value(Measures.VOCABULARY_MANY_PIECES_SHARE, default=0.0)
    pairs = profile.value(Measures.CHUNKING_QUESTIONS, default=0.0)
    found = _recall(profile, use_case)
    low = found is not None and found < _floor(use_case)
    needed = many >= UNKNOWN_SHARE or low
    evidence = (
        f"recall is {'below' if low else 'not below'} the floor in usecase.yml; the tokenizer spells out {share(many)} "
        f"of the words; {number(pairs)} of the {LABELED_PAIRS:,} questions with known passages that it needs exist"
    )
    ready = needed and pairs >= LABELED_PAIRS
    return Step("Fine-tuning the embeddings", "now" if ready else "not yet" if needed else "no", evidence)


def _pretraining(profile: Profile) -> Step:
    tokens = _llm_tokens(profile)
    evidence = f"{number(tokens)} tokens; it pays off from about a billion on"
    return Step("Pretraining", "not yet" if tokens >= PRETRAINING_TOKENS else "no", evidence)


def _llm_tokens(profile: Profile) -> float:
    """Tokens of the language model; earlier profiles have only those of the embedding model."""
    return profile.value(Measures.DOCUMENTS_LLM_TOKENS, default=profile.value(Measures.DOCUMENTS_TOKENS))


def _recall(profile: Profile, use_case: UseCase) -> float | None:
    return profile.groups(Measures.CHUNKING_RECALL_AT_5).get(str(use_case.chunking.max_tokens))


def _floor(use_case: UseCase) -> float:
    return next((one.limit for one in use_case.success if one.measure == "recall_at_5"), 0.0)
