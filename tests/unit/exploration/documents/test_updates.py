from datetime import UTC, datetime, timedelta

import pytest

from ragops.exploration.documents.updates import Commit, changes_a_day, suggest_schedule

START = datetime(2026, 11, 1, tzinfo=UTC)


def commits(*days_and_documents: tuple[float, int]) -> list[Commit]:
    return [Commit(START + timedelta(days=day), documents) for day, documents in days_and_documents]


def test_the_first_load_is_no_change() -> None:
    assert changes_a_day(commits((0, 1000), (2, 6), (4, 2))) == 2
    assert changes_a_day(commits((4, 2), (0, 1000), (2, 6))) == 2


@pytest.mark.parametrize("history", [[], commits((0, 5)), commits((0, 5), (0.5, 9))])
def test_less_than_a_day_tells_nothing(history: list[Commit]) -> None:
    assert changes_a_day(history) is None


@pytest.mark.parametrize(
    ("freshness", "refresh", "minutes", "cron"),
    [
        (60, 30, 30, "0 0/30 * * * ?"),
        (60, 59, 5, "0 0/5 * * * ?"),
        (240, 30, 180, "0 0 0/3 * * ?"),
        (3000, 60, 1440, "0 0 5 * * ?"),
    ],
)
def test_the_rarest_refresh_that_keeps_the_promise(freshness: float, refresh: float, minutes: int, cron: str) -> None:
    plan = suggest_schedule(10, freshness, refresh)
    assert (plan.minutes, plan.cron) == (minutes, cron)
    assert minutes + refresh <= max(freshness, 5 + refresh)


def test_how_many_runs_find_nothing() -> None:
    assert suggest_schedule(0, 60, 30).idle_share == 1
    assert suggest_schedule(48, 60, 30).idle_share == pytest.approx(0.3679, abs=1e-4)
