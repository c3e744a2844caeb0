"""A profile gives the numbers that were measured, and refuses names that no measure has."""

import pytest

from ragops.corpus.documents.personal import KINDS
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import ALL, Measure, Profile, measured
from tests.support.profiles import small_profile, with_measures


def test_a_misspelt_measure_is_refused_and_not_0() -> None:
    profile = small_profile()
    for read in (profile.value, profile.has, profile.groups):
        with pytest.raises(ValueError, match="documents.cuont"):
            read("documents.cuont")
    with pytest.raises(ValueError, match="documents.cuont"):
        profile.add([Measure("documents.cuont", ALL, 1)])


def test_a_measure_that_was_not_taken_has_no_value_without_a_default() -> None:
    profile = Profile.begin()
    with pytest.raises(LookupError, match="questions.count of all was not measured"):
        profile.value(Measures.QUESTIONS_COUNT)
    assert profile.value(Measures.QUESTIONS_COUNT, default=0.0) == 0
    assert not profile.has(Measures.QUESTIONS_COUNT) and profile.groups(Measures.QUESTIONS_COUNT) == {}


def test_groups_and_parts_of_a_measure() -> None:
    profile = Profile.begin()
    profile.add(measured("documents.count", {ALL: 3, "format=md": 2, "format=pdf": 1, "language=en": 3}))
    assert profile.value("documents.count") == 3
    assert list(profile.groups("documents.count")) == ["format=md", "format=pdf", "language=en"]
    assert profile.parts("documents.count", "format") == {"md": 2, "pdf": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_personal_data_has_a_measure(kind: str) -> None:
    assert Measures(f"personal.{kind}")


def test_the_rate_of_change_is_from_the_history_or_the_files_dates() -> None:
    assert small_profile().changes_a_day() == 1
    assert with_measures(Measure("updates.changes_a_day", ALL, 7)).changes_a_day() == 7
    assert with_measures(Measure("updates.modified_spread_days", ALL, 0.1)).changes_a_day() is None


def test_fewer_questions_make_more_noise() -> None:
    few, many = (with_measures(Measure("chunking.questions", ALL, count)).recall_noise() for count in (10, 1000))
    assert 0 < many < 0.05 < few
