"""One healthy system on a Spark server of its own for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.sabotage.healthy import build
from tests.sabotage.runner import Healthy
from tests.sabotage.spark import own_server


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    folder = tmp_path_factory.mktemp("sabotage")
    with own_server(folder / "server"):
        yield Healthy.of(build(folder / "healthy"))
