"""The order of test files: with few workers, the longest ones have to begin first."""

from collections.abc import Sequence

import pytest


def longest_first(items: list[pytest.Item], long: Sequence[str]) -> None:
    """Sorts tests so that those of the files named in `long` come first, in that order; others keep theirs.

    Items of other folders are in the list, too: the order among folders stays.
    """
    rank = {name: number for number, name in enumerate(long)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))
