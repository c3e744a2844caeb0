from pathlib import Path

import pytest

from ragops.exploration.advice import Advice, advise, suggest_schedule
from ragops.exploration.profile import ALL, Measure, Profile, measured
from ragops.usecase import load_usecase
from tests.support.profiles import small_profile, with_measures

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")


def row(profile: Profile, setting: str) -> Advice:
    (found,) = [one for one in advise(profile, USE_CASE) if one.setting.startswith(setting)]
    return found


def test_a_chunk_size_is_changed_only_for_more_than_chance() -> None:
    assert not row(small_profile(), "chunking").changes
    better = with_measures(Measure("chunking.recall_at_5", "400", 0.95))
    assert row(better, "chunking").suggested == "400"
    assert "95 % at 400" in row(better, "chunking").because


def test_there_is_no_advice_on_what_was_not_measured() -> None:
    profile = small_profile()
    profile.measures = {key: value for key, value in profile.measures.items() if not key[0].startswith("chunking")}
    settings = [one.setting for one in advise(profile, USE_CASE)]
    assert "chunking.max_tokens" not in settings and "embedding.max_tokens" not in settings


def test_the_model_is_kept_if_it_knows_the_vocabulary_and_reads_whole_chunks() -> None:
    assert not row(small_profile(), "embedding.name").changes
    assert row(with_measures(Measure("vocabulary.many_pieces_share", ALL, 0.2)), "embedding.name").changes
    assert row(with_measures(Measure("chunking.truncated_share", "200", 0.2)), "embedding.max_tokens").changes


def test_a_public_corpus_with_personal_data_is_internal_until_reviewed() -> None:
    assert not row(small_profile(), "corpus.classification").changes
    found = with_measures(Measure("personal.emails", ALL, 3), *measured("personal.document", {"a/staff.md": 3}))
    assert "3 emails" in row(found, "corpus.classification").because
    assert "a/staff.md" in row(found, "corpus.classification").because
    assert row(found, "corpus.classification").changes


def test_rare_languages_are_ignored_and_frequent_copies_are_removed() -> None:
    assert not row(small_profile(), "corpus.languages").changes
    foreign = with_measures(Measure("questions.language", "fr", 9))
    assert "of the questions are in others" in row(foreign, "corpus.languages").because
    assert "of the questions" not in row(small_profile(), "corpus.languages").because
    assert row(with_measures(Measure("documents.count", "language=de", 8)), "corpus.languages").suggested == "de, en"
    assert not row(with_measures(Measure("documents.count", "language=xx", 0.4)), "corpus.languages").changes
    assert row(with_measures(Measure("duplicates.near", ALL, 10)), "the landing folder").changes


def test_an_unknown_rate_of_change_is_mentioned() -> None:
    copied = with_measures(Measure("updates.modified_spread_days", ALL, 0.1))
    assert "not known yet" in row(copied, "refresh.jobs.yml").because


@pytest.mark.parametrize(
    ("freshness", "refresh", "minutes", "cron"),
    [
        (60, 30, 30, "0 0/30 * * * ?"),
        (60, 59, 5, "0 0/5 * * * ?"),
        (240, 30, 180, "0 0 0/3 * * ?"),
        (3000, 60, 1440, "0 0 5 * * ?"),
    ],
)
def test_the_rarest_refresh_within_the_sla_is_suggested(
    freshness: float, refresh: float, minutes: int, cron: str
) -> None:
    plan = suggest_schedule(10, freshness, refresh)
    assert (plan.minutes, plan.cron) == (minutes, cron)
    assert minutes + refresh <= max(freshness, 5 + refresh)


def test_the_share_of_runs_that_find_nothing() -> None:
    assert suggest_schedule(0, 60, 30).idle_share == 1
    assert suggest_schedule(48, 60, 30).idle_share == pytest.approx(0.3679, abs=1e-4)
