"""What holds for all tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No test is about time: a busy machine must fail none.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

LEFT_BEHIND = ("LOCALBUNDLE_HOME", "MLFLOW_EXPERIMENT_ID")


@pytest.fixture(autouse=True)
def _environment_is_restored() -> Iterator[None]:
    """A command that names a target keeps its workspace in the environment, and MLflow its experiment: neither reaches
    the processes that later tests start.
    """
    before = {name: os.environ.get(name) for name in LEFT_BEHIND}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
