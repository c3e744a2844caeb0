"""Measured values as rows: what they are named after, and their intervals."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.quality.criteria.rows import METRICS, Metric, Origin, percentile_ends

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ORIGIN = Origin("evaluate retrieval", "working copy", "000001-abababab", "0123456789ab", NOW)


def test_a_repeated_measurement_has_the_same_id_and_another_one_its_own() -> None:
    first = ORIGIN.metric("mrr", 0.5, 10)
    elsewhere = replace(ORIGIN, measured_at=NOW.astimezone(timezone(timedelta(hours=5))))
    assert elsewhere.metric("mrr", 0.7, 12).metric_id == first.metric_id
    others = [
        ORIGIN.metric("coverage", 0.5, 10),
        Origin("release", "working copy", "000001-abababab", "0123456789ab", NOW).metric("mrr", 0.5, 10),
        Origin("evaluate retrieval", "other/1", "000001-abababab", "0123456789ab", NOW).metric("mrr", 0.5, 10),
        Origin("evaluate retrieval", "working copy", None, "0123456789ab", NOW).metric("mrr", 0.5, 10),
        Origin("evaluate retrieval", "working copy", "000001-abababab", None, NOW).metric("mrr", 0.5, 10),
    ]
    assert len({first.metric_id, *(one.metric_id for one in others)}) == 6


@pytest.mark.parametrize(("name", "value"), [("recal_at_5", 0.5), ("feedback_rate", 0.5), ("mrr", math.nan)])
def test_a_value_that_the_catalogue_does_not_expect_of_this_source_is_refused(name: str, value: float) -> None:
    with pytest.raises((ValueError, ValidationError)):
        ORIGIN.metric(name, value, 10)


def test_a_mean_leaves_out_what_does_not_apply_and_counts_the_rest() -> None:
    values, topics = [1.0, math.nan, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], ["a", "a", "b", "c", "d", "e", "f", "g"]
    (row,) = ORIGIN.mean("mrr", values, topics)
    assert (row.value, row.n, row.clusters) == (pytest.approx(5 / 7), 7, 7)
    assert row.low is not None and row.high is not None and row.low < row.value < row.high
    assert ORIGIN.mean("mrr", [math.nan], ["a"]) == ORIGIN.mean("mrr", [], []) == []


def test_too_few_clusters_have_no_interval() -> None:
    (row,) = ORIGIN.mean("mrr", [1.0, 0.0], ["a", "b"])
    assert (row.value, row.low, row.high, row.clusters) == (0.5, None, None, 2)


def test_a_row_survives_json() -> None:
    (row,) = ORIGIN.mean("mrr", [1.0, 0.0], ["a", "b"])
    assert Metric.model_validate_json(row.model_dump_json()) == row
    assert set(METRICS.names) == set(Metric.model_fields)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400), st.sampled_from([50, 95]))
def test_a_percentile_lies_within_its_interval(values: list[float], percent: int) -> None:
    low, high = percentile_ends(values, percent)
    (row,) = ORIGIN.percentile("search_p95_ms", values, percent)
    assert not low > row.value and not high < row.value
    assert row.low == (None if math.isnan(low) else low) and row.high == (None if math.isnan(high) else high)


def test_the_interval_of_a_percentile_covers_the_true_one() -> None:
    draws = np.random.default_rng(7).exponential(size=(2_000, 200))
    truth = -math.log(0.05)
    covered = [low <= truth <= high for low, high in (percentile_ends(list(row), 95) for row in draws)]
    assert np.mean(covered) >= 0.94
