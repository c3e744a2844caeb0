"""Since when a value is another one: the best split of its rows in time, or the change that explains it as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from math import log

import numpy as np
import pandas as pd

from ragops.monitoring.checks.blocks import Blocks, Numbers, moment
from ragops.monitoring.finding import ChangeKind
from ragops.monitoring.system.system import System

_AS_GOOD = 4.0
"""Of the log-likelihood: a change within this of the best split explains the data as well, by a likelihood ratio."""


def changed_since(system: System, found: Blocks, causes: Collection[ChangeKind]) -> datetime:
    """When the value became another one: the time of the first row after it.

    Args:
        system: with its changes.
        found: rows of both windows.
        causes: kinds of changes that can explain it.
    """
    lost = _lost(found.values)
    if not len(lost):
        return system.recent_since
    best = int(np.argmin(lost)) + 1
    possible = [one for one in system.changes if one.kind in causes]
    often = Counter(one.kind for one in possible)
    known = [
        (float(lost[split - 1]) + log(often[one.kind]), split)  # of many changes of a kind, one is near by chance
        for one in possible
        if 0 < (split := int(np.searchsorted(found.times, pd.Timestamp(one.at).value))) < len(found.times)
    ]
    near = min(known)[1] if known else best
    return moment(found.times[near if lost[near - 1] - lost[best - 1] <= _AS_GOOD else best])


def _lost(values: Numbers) -> Numbers:
    """The negative log-likelihood of a change before each row but the first, shape (rows - 1,), up to a constant."""
    rows = values.reshape(len(values), -1)
    count = len(rows)
    if count < 2:
        return np.zeros(0)
    rows = rows - rows.mean(axis=0)
    before = np.cumsum(rows, axis=0)[:-1]
    sizes = np.arange(1, count)
    explained = (before**2).sum(axis=1) * (1 / sizes + 1 / (count - sizes))
    total = float((rows**2).sum())
    rest = np.maximum(total - explained, 1e-9 * max(total, 1e-9))
    lost: Numbers = count / 2 * np.log(rest)
    return lost
