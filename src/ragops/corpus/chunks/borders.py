"""Where chunks end: borders chosen by the text around them, so that an edit moves only the borders close to it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def chunk_ends(weights: Sequence[int], strengths: Sequence[int], smallest: int, largest: int) -> list[int]:
    """Cuts a run of atoms into chunks of at most `largest`, mostly of at least `smallest`, tokens.

    The run is cut at its strongest border, and each part again, until the parts fit: the cuts of a randomised search
    tree (a treap, Seidel and Aragon 1996) whose keys are positions and whose priorities come from the text. Like such a
    tree it has no history: a border depends on nothing but the borders around it, while greedy packing passes each
    shift on to the end of the text. A border nearer than `smallest` to an end of its part is taken only where the part
    has no other.

    Args:
        weights: tokens of each atom, each of them at most `largest`.
        strengths: strength of the border after each atom; equal ones are taken from left to right.
        smallest: tokens.
        largest: tokens.

    Returns:
        For each chunk, the index one past its last atom, ascending.
    """
    strength = np.asarray(strengths, dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(weights, dtype=np.int64)])
    done: list[int] = []
    parts = [(0, len(weights))] if weights else []
    while parts:
        start, stop = parts.pop()
        if ends[stop] - ends[start] <= largest or stop - start == 1:
            done.append(stop)
            continue
        cut = _strongest(strength, ends, start, stop, smallest)
        parts += [(cut, stop), (start, cut)]
    return done


def _strongest(strength: NDArray[np.int64], ends: NDArray[np.int64], start: int, stop: int, smallest: int) -> int:
    first = int(np.searchsorted(ends, ends[start] + smallest))
    last = int(np.searchsorted(ends, ends[stop] - smallest, side="right")) - 1
    if first > last:
        first, last = start + 1, stop - 1
    return first + int(np.argmax(strength[first - 1 : last]))
