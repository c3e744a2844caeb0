"""The factories of passages and generations in memory, as fixtures."""

from collections.abc import Callable, Sequence

import pytest

from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Entry
from tests.support import memory_generation


@pytest.fixture(scope="session")
def make_passage() -> Callable[..., Entry]:
    return memory_generation.make_passage


@pytest.fixture(scope="session")
def make_generation() -> Callable[[Sequence[Entry]], Generation]:
    return memory_generation.make_generation
