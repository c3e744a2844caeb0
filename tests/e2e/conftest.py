"""A warm and a cold workspace, and a folder of documents."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.bundles import Bundle, lay_bundle, write_notes
from tests.support.long_first import longest_first
from tests.support.needs import UNDEPLOYED, beyond
from tests.support.recorded import Request, read_requests, recording

LONG = ("test_kills", "test_release", "test_volumes", "test_refresh", "test_ask", "test_lab", "test_prototype")
"""Files that take longest, longest first: begun last, one of them would run alone while the other core is idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; pytest-xdist keeps the order with --no-loadscope-reorder."""
    longest_first(items, LONG)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The bundle with Spark kept warm, and with a record of what its tasks ask of the catalog."""
    laid = lay_bundle(tmp_path_factory.mktemp("bundle"))
    laid.record.touch()
    laid.environment = dict(recording(laid.home, laid.record))
    laid.run("localbundle", "up", "-t", "dev")
    yield laid
    laid.run("localbundle", "down", "-t", "dev")


@pytest.fixture
def requested(bundle: Bundle) -> Callable[[], list[Request]]:
    """What the tasks have asked of the catalog since the test began, or since this was called last."""
    seen = bundle.record.stat().st_size

    def requested() -> list[Request]:
        nonlocal seen
        since, seen = seen, bundle.record.stat().st_size
        return read_requests(bundle.record, since)

    return requested


@pytest.fixture(autouse=True)
def _as_the_table_says(request: pytest.FixtureRequest) -> Iterator[None]:
    """No task of any test asks for more than docs/rights.md gives to the jobs."""
    laid: Bundle | None = request.getfixturevalue("bundle") if "bundle" in request.fixturenames else None
    recorded = laid is not None and laid.record.is_file()  # a module may have a bundle of its own
    since = laid.record.stat().st_size if laid and recorded else 0
    yield
    if laid and recorded:
        assert beyond(read_requests(laid.record, since)) <= UNDEPLOYED


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
