"""A warm and a cold workspace, and a folder of documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bundles import Bundle, lay_bundle, write_notes


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The bundle with Spark kept warm."""
    laid = lay_bundle(tmp_path_factory.mktemp("bundle"))
    laid.run("localbundle", "up", "-t", "dev")
    yield laid
    laid.run("localbundle", "down", "-t", "dev")


@pytest.fixture
def cold_bundle(tmp_path: Path) -> Bundle:
    """The bundle where nothing was started."""
    return lay_bundle(tmp_path)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A folder of small documents whose words are known."""
    folder = tmp_path / "landing"
    folder.mkdir()
    write_notes(folder)
    return folder
