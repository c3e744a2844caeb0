"""What holds for all tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No test is about time: a busy machine must fail none.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

PLACE = "LOCALBUNDLE_HOME"


@pytest.fixture(autouse=True)
def _no_place_is_left_behind() -> Iterator[None]:
    """A command that names a target keeps its process there: in the tests, each begins where the one before it did."""
    before = os.environ.get(PLACE)
    yield
    if before is None:
        os.environ.pop(PLACE, None)
    else:
        os.environ[PLACE] = before
