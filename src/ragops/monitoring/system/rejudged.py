"""Answers that judges judge a second time, to see whether they still rate as they did."""

from __future__ import annotations

import pandas as pd

REJUDGED_COLUMNS = ("judge", "judge_version", "model", "cluster", "before", "after", "judged_at")
"""Per answer: score of the first judgment, and of the second one, which was made at `judged_at`."""


def no_rejudged() -> pd.DataFrame:
    """No rows, with all columns."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in REJUDGED_COLUMNS})
