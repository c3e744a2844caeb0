"""The layout of a run's graph: tasks in columns, dependencies to the left, and lines between them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import NamedTuple

HEIGHT = 46.0
_GAP = 18.0
_COLUMN_GAP = 48.0
# How far a column may extend above its dependencies, and a box may be below the first of them: a reader who starts at
# the upper left must still find it.
_SWAY = 4 * (HEIGHT + _GAP)

Point = tuple[float, float]
_Middles = dict[tuple[str, int], float]
"""The vertical middle of a task's box, or of its line through a later column."""


class Edge(NamedTuple):
    """A line from the right side of a box to the left side of another: curves between columns, straight in them."""

    source: str
    target: str
    points: list[Point]

    @property
    def path(self) -> str:
        """The line as an SVG path."""
        steps = ["M{:g} {:.1f}".format(*self.points[0])]
        for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(self.points)):
            half = (x + to_x) / 2
            curve = f"C{half:g} {y:.1f} {half:g} {to_y:.1f} {to_x:g} {to_y:.1f}"
            steps.append(f"H{to_x:g}" if number % 2 else curve)
        return " ".join(steps)


class Graph(NamedTuple):
    """`boxes` are the upper left corners; each box is HEIGHT high."""

    width: float
    height: float
    boxes: dict[str, Point]
    edges: list[Edge]


def layout(dependencies: Mapping[str, Sequence[str]], box_width: float) -> Graph:
    """Positions tasks, given with their dependencies and in topological order.

    A column is the longest path to a root. A line that passes columns has its own row in each of them, so that it never
    runs behind a box.
    """
    columns: dict[str, int] = {}
    for key, sources in dependencies.items():
        columns[key] = 1 + max((columns[source] for source in sources), default=-1)
    middles = _middles(dependencies, columns)
    lefts = [column * (box_width + _COLUMN_GAP) for column in range(1 + max(columns.values()))]

    def edge(source: str, target: str) -> Edge:
        passed = range(columns[source], columns[target] + 1)
        ends = [(x, middles[source, at]) for at in passed[:-1] for x in (lefts[at], lefts[at] + box_width)]
        return Edge(source, target, [*ends[1:], (lefts[passed[-1]], middles[target, passed[-1]])])

    return Graph(
        width=lefts[-1] + box_width,
        height=max(middles.values()) + HEIGHT / 2,
        boxes={key: (lefts[column], middles[key, column] - HEIGHT / 2) for key, column in columns.items()},
        edges=[edge(source, key) for key, sources in dependencies.items() for source in sources],
    )


def _middles(dependencies: Mapping[str, Sequence[str]], columns: Mapping[str, int]) -> _Middles:
    last = dict(columns)
    for key, sources in dependencies.items():
        last |= {source: max(last[source], columns[key] - 1) for source in sources}
    middles: _Middles = {}
    for column in range(1 + max(columns.values())):
        before: dict[str, list[float]] = {}
        for key, first in columns.items():
            if first <= column <= last[key]:
                sources = dependencies[key] if column == first else [key]
                before[key] = [middles[source, column - 1] for source in sources] or [0.0]
        heights = {key: HEIGHT if columns[key] == column else 0.0 for key in before}
        middles |= {(key, column): middle for key, middle in _stacked(before, heights).items()}
    top = min(middles.values()) - HEIGHT / 2
    return {key: middle - top for key, middle in middles.items()}


def _stacked(before: Mapping[str, Sequence[float]], heights: Mapping[str, float]) -> dict[str, float]:
    """One column's middles: each near the mean of its predecessors, in that order, without overlap."""
    aims = {key: min(fmean(middles), min(middles) + _SWAY) for key, middles in before.items()}
    placed: dict[str, float] = {}
    free = -inf
    for key in sorted(before, key=lambda key: fmean(before[key])):
        placed[key] = max(aims[key], free + heights[key] / 2)
        free = placed[key] + heights[key] / 2 + _GAP
    sunk = fmean(placed[key] - aims[key] for key in placed if heights[key])  # boxes have priority over lines
    return {key: middle - min(sunk, _SWAY) for key, middle in placed.items()}
