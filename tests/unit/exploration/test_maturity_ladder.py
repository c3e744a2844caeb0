from pathlib import Path

import pytest

from ragops.exploration.maturity_ladder import Step, ladder
from ragops.exploration.profile import ALL, Measure, Profile
from ragops.usecase import load_usecase
from tests.support.profiles import small_profile, with_measures

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")


def step(profile: Profile, name: str) -> Step:
    (found,) = [one for one in ladder(profile, USE_CASE) if one.name.startswith(name)]
    return found


@pytest.mark.parametrize(("tokens", "verdict"), [(16_000, "enough"), (5_000_000, "not enough")])
def test_prompting_is_enough_for_a_corpus_that_fits_into_a_prompt(tokens: float, verdict: str) -> None:
    assert step(with_measures(Measure("documents.tokens", ALL, tokens)), "Prompt").verdict == verdict


def test_further_steps_need_evidence() -> None:
    large = with_measures(Measure("documents.tokens", ALL, 5e6))
    assert step(large, "Retrieval").verdict == "now"
    assert "55 % of the questions" in step(large, "Retrieval").evidence
    assert step(large, "Fine-tuning").verdict == "no"
    assert step(with_measures(Measure("chunking.recall_at_5", "200", 0.1)), "Fine-tuning").verdict == "not yet"
    assert step(large, "Pretraining").verdict == "no"
    assert step(with_measures(Measure("documents.tokens", ALL, 2e9)), "Pretraining").verdict == "not yet"


def test_recall_that_was_not_measured_is_named() -> None:
    profile = small_profile()
    profile.measures = {key: value for key, value in profile.measures.items() if not key[0].startswith("chunking")}
    assert "recall was not measured" in step(profile, "Retrieval").evidence
    assert step(profile, "Fine-tuning").verdict == "no"
