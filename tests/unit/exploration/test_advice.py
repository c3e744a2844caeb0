from pathlib import Path

import pytest

from ragops.exploration.advice import Advice, advise
from ragops.exploration.maturity_ladder import Step, ladder
from ragops.exploration.profile import ALL, Measure, Profile, measured
from ragops.exploration.rates import changes_a_day
from ragops.usecase import load_usecase
from tests.support.profiles import small_profile

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")


def row(profile: Profile, setting: str) -> Advice:
    (found,) = [one for one in advise(profile, USE_CASE) if one.setting.startswith(setting)]
    return found


def step(profile: Profile, name: str) -> Step:
    (found,) = [one for one in ladder(profile, USE_CASE) if one.name.startswith(name)]
    return found


def with_measures(*measures: Measure) -> Profile:
    profile = small_profile()
    profile.add(measures)
    return profile


def test_a_chunk_size_is_changed_only_for_more_than_chance() -> None:
    assert not row(small_profile(), "chunking").changes
    better = with_measures(Measure("chunking.recall_at_5", "400", 0.95))
    assert row(better, "chunking").suggested == "400"
    assert "95 % at 400" in row(better, "chunking").because


def test_what_was_not_measured_is_not_advised_on() -> None:
    profile = small_profile()
    profile.measures = {key: value for key, value in profile.measures.items() if not key[0].startswith("chunking")}
    settings = [one.setting for one in advise(profile, USE_CASE)]
    assert "chunking.max_tokens" not in settings and "embedding.max_tokens" not in settings
    assert "no question with a known answer" in step(profile, "Retrieval").evidence


def test_the_model() -> None:
    assert not row(small_profile(), "embedding.name").changes
    assert row(with_measures(Measure("vocabulary.many_pieces_share", ALL, 0.2)), "embedding.name").changes
    assert row(with_measures(Measure("chunking.truncated_share", "200", 0.2)), "embedding.max_tokens").changes


def test_personal_data_makes_a_public_corpus_internal_until_looked_at() -> None:
    assert not row(small_profile(), "corpus.classification").changes
    found = with_measures(Measure("personal.emails", ALL, 3), *measured("personal.document", {"a/staff.md": 3}))
    assert "3 emails" in row(found, "corpus.classification").because
    assert "a/staff.md" in row(found, "corpus.classification").because
    assert row(found, "corpus.classification").changes


def test_languages_and_copies() -> None:
    assert not row(small_profile(), "corpus.languages").changes
    foreign = with_measures(Measure("questions.language", "fr", 9))
    assert "of the questions are in others" in row(foreign, "corpus.languages").because
    assert "of the questions" not in row(small_profile(), "corpus.languages").because
    assert row(with_measures(Measure("documents.count", "language=de", 8)), "corpus.languages").suggested == "de, en"
    assert not row(with_measures(Measure("documents.count", "language=xx", 0.4)), "corpus.languages").changes
    assert row(with_measures(Measure("duplicates.near", ALL, 10)), "the landing folder").changes


def test_where_the_rate_of_change_is_known_from() -> None:
    assert changes_a_day(small_profile()) == 1
    assert changes_a_day(with_measures(Measure("updates.changes_a_day", ALL, 7))) == 7
    copied = with_measures(Measure("updates.modified_spread_days", ALL, 0.1))
    assert changes_a_day(copied) is None
    assert "not known yet" in row(copied, "refresh.jobs.yml").because


@pytest.mark.parametrize(("tokens", "verdict"), [(16_000, "enough"), (5_000_000, "not enough")])
def test_prompting_alone(tokens: float, verdict: str) -> None:
    assert step(with_measures(Measure("documents.tokens", ALL, tokens)), "Prompt").verdict == verdict


def test_the_steps_above() -> None:
    large = with_measures(Measure("documents.tokens", ALL, 5e6))
    assert step(large, "Retrieval").verdict == "now"
    assert "55 % of the questions" in step(large, "Retrieval").evidence
    assert step(large, "Fine-tuning").verdict == "no"
    assert step(with_measures(Measure("chunking.recall_at_5", "200", 0.1)), "Fine-tuning").verdict == "not yet"
    assert step(large, "Pretraining").verdict == "no"
    assert step(with_measures(Measure("documents.tokens", ALL, 2e9)), "Pretraining").verdict == "not yet"
