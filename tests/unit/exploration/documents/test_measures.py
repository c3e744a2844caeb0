from datetime import UTC, datetime, timedelta

import pytest

from ragops.exploration.documents.measures import Commit, commit_rate

START = datetime(2026, 11, 1, tzinfo=UTC)


def commits(*days_and_documents: tuple[float, int]) -> list[Commit]:
    return [Commit(START + timedelta(days=day), documents) for day, documents in days_and_documents]


def test_the_first_load_is_not_a_change() -> None:
    assert commit_rate(commits((0, 1000), (2, 6), (4, 2))) == 2
    assert commit_rate(commits((4, 2), (0, 1000), (2, 6))) == 2


@pytest.mark.parametrize("history", [[], commits((0, 5)), commits((0, 5), (0.5, 9))])
def test_the_rate_is_unknown_for_a_history_of_less_than_a_day(history: list[Commit]) -> None:
    assert commit_rate(history) is None
