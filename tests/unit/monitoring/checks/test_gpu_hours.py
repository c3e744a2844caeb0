"""GPU hours of the task embed against the use case's limit."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from ragops.monitoring.checks.gpu_hours import GPUS, gpu_hours_of
from ragops.monitoring.finding import Finding, Unreadable
from ragops.monitoring.report.build import status_page
from tests.support.found_systems import HOUR, found, healthy
from tests.support.monitored import NOW, USE_CASE

LIMITED = USE_CASE.model_copy(update={"monitoring": USE_CASE.monitoring.model_copy(update={"gpu_hours_per_day": 10.0})})


def runs(*hours: tuple[timedelta, float]) -> pd.DataFrame:
    """Rows of `metrics`: how long ago the task ended, and its GPU hours; and one of another measure."""
    rows = [("gpu_hours", value, NOW - ago) for ago, value in hours]
    rows.append(("refresh_minutes", 1000.0, NOW - HOUR))
    frame = pd.DataFrame(rows, columns=["name", "value", "measured_at"]).assign(question_set=None)
    return frame.assign(measured_at=pd.to_datetime(frame["measured_at"], utc=True))


def test_more_than_the_limit_is_found_since_the_run_that_broke_it() -> None:
    used = runs((30 * HOUR, 50.0), (20 * HOUR, 4.0), (10 * HOUR, 5.0), (5 * HOUR, 3.0), (HOUR, 0.5))
    one = found(GPUS, metrics=used, use_case=LIMITED)["gpu_hours_exceeded"]
    assert (one.value, one.expected, one.since) == (12.5, 10.0, NOW - 5 * HOUR)
    assert one.title == "the task embed took 12.5 GPU hours a day instead of at most 10.0"


@pytest.mark.parametrize("hours", [(), ((30 * HOUR, 50.0),), ((HOUR, 10.0),)])
def test_up_to_the_limit_and_before_the_window_nothing_is(hours: tuple[tuple[timedelta, float], ...]) -> None:
    assert not found(GPUS, metrics=runs(*hours), use_case=LIMITED)


def test_without_a_limit_or_rows_nothing_is() -> None:
    assert not found(GPUS, metrics=runs((HOUR, 1e6)))
    assert not found(GPUS, use_case=LIMITED)
    assert gpu_hours_of(healthy(metrics=Unreadable("metrics", "gone")), datetime.min.replace(tzinfo=NOW.tzinfo)).empty


def test_the_page_shows_both_windows() -> None:
    nothing: list[Finding] = []
    page = status_page(healthy(metrics=runs((30 * HOUR, 50.0), (HOUR, 2.5))), nothing)
    assert page.gpu_hours == 2.5 and page.tiles["GPU hours lately"] == "2.5"
    (cost,) = (one for one in page.sections if one.title == "Waiting and cost")
    assert "2.5 GPU hours in the last 24 h, and 50.0 in the 14 days before" in " ".join(cost.notes)
    assert "GPU hours lately" not in status_page(healthy(), nothing).tiles
