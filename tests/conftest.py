"""What holds for all tests."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from localbundle_support.java import compile_lightly

# No test is about time: a busy machine must fail none. A property is tried with a few examples whenever the suite runs;
# `make properties` tries many.
settings.register_profile("untimed", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("untimed"), max_examples=500)
settings.load_profile("untimed")
compile_lightly()
# Looking for garbage among thousands of collected tests and their libraries took 14 % of what collecting them takes.
gc.set_threshold(100_000, 20, 50)

HOME = "LOCALBUNDLE_HOME"


@pytest.fixture(autouse=True)
def _local_workspace_is_restored() -> Iterator[None]:
    """A command that names a target keeps its workspace in the environment; the next test begins without it."""
    before = os.environ.get(HOME)
    yield
    if before is None:
        os.environ.pop(HOME, None)
    else:
        os.environ[HOME] = before
