"""The two windows of a value as blocks: one person's mean over one period as long as the recent window.

People differ, and each is alike from question to question: one who asks fifty questions says little more than one who
asks two. So the unit of all comparisons is a person in a period, and one person who floods the system counts as one. A
block of the baseline is as long as one of the recent window, so both kinds are equally exact, and without a change
either could have come from either window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ragops.monitoring.system.system import System

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Blocks:
    """A value in both windows.

    Attributes:
        recent: its mean in each block of the recent window, shape (blocks,) or (blocks, values).
        baseline: the same of the baseline.
        rows: how many rows with a value the recent window has.
        times: of all rows with a value, in order, shape (rows,), in nanoseconds since 1970.
        values: of those rows, shape (rows,) or (rows, values).
    """

    recent: Numbers
    baseline: Numbers
    rows: int
    times: NDArray[np.int64]
    values: Numbers

    @property
    def is_comparable(self) -> bool:
        """Whether both windows have anything."""
        return bool(len(self.recent) and len(self.baseline))

    @property
    def before(self) -> float:
        """The mean over the blocks of the baseline."""
        return float(self.baseline.mean())

    @property
    def now(self) -> float:
        """The mean over the blocks of the recent window."""
        return float(self.recent.mean())


def blocks(system: System, frame: pd.DataFrame, values: pd.Series | Numbers, time: str = "asked_at") -> Blocks:
    """The blocks of a value.

    Args:
        system: with its windows.
        frame: rows with a column `who` and a time.
        values: one per row, shape (rows,) or (rows, values); rows with NaN are left out.
        time: the column with the time.
    """
    given = np.asarray(values, np.float64)
    given = given.reshape(len(frame), given.shape[1] if given.ndim > 1 else 1)
    known = ~np.isnan(given).any(axis=1)
    rows, given = frame[known][["who", time]], given[known]
    if rows.empty:
        nothing = np.zeros((0, given.shape[1]) if np.ndim(values) > 1 else 0)
        return Blocks(nothing, nothing, 0, np.zeros(0, np.int64), nothing)
    numbers = periods(system, rows[time])
    keys = pd.MultiIndex.from_arrays([numbers, rows["who"].astype(str)])
    codes, distinct = pd.factorize(keys)
    sums = np.zeros((len(distinct), given.shape[1]))
    np.add.at(sums, codes, given)
    means = sums / np.maximum(np.bincount(codes, minlength=len(distinct)), 1)[:, None]
    is_recent = np.fromiter((key[0] == 0 for key in distinct), np.bool_, len(distinct))
    order = np.argsort(rows[time].to_numpy(), kind="stable")
    times = rows[time].to_numpy("datetime64[ns]").astype(np.int64)[order]
    parts = (means[is_recent], means[~is_recent], given[order])
    flat = tuple(part[:, 0] if np.ndim(values) == 1 else part for part in parts)
    return Blocks(flat[0], flat[1], int((numbers == 0).sum()), times, flat[2])


def periods(system: System, times: pd.Series) -> NDArray[np.int64]:
    """The period of each time: 0 for the recent window, 1 for as long a period before it, and so on."""
    length = system.now - system.recent_since
    ago = (pd.Timestamp(system.now) - times).dt.total_seconds() / length.total_seconds()
    found: NDArray[np.int64] = np.maximum(np.floor(ago.to_numpy(np.float64) - 1e-12), 0).astype(np.int64)
    return found


def recent(system: System, frame: pd.DataFrame, time: str = "asked_at") -> pd.DataFrame:
    """The rows of the recent window."""
    return frame[frame[time] > pd.Timestamp(system.recent_since)]


def moment(nanoseconds: int | np.int64) -> datetime:
    """A time in nanoseconds since 1970."""
    found: datetime = pd.Timestamp(int(nanoseconds), tz="UTC").to_pydatetime(warn=False)
    return found
