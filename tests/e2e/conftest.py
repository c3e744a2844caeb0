"""The bundle with and without a running Spark server, and a folder of documents."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.bundles import Bundle, copy_bundle, write_notes
from tests.support.browser import launched
from tests.support.long_first import longest_first
from tests.support.needs import UNDEPLOYED, beyond
from tests.support.recorded import Request, read_requests, recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LONG = ("kills", "release", "lab", "volumes", "smoke", "refresh", "ask", "page", "batch", "prototype")
"""Files that take longest, longest first: begun last, one of them would run alone while the other core is idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; pytest-xdist keeps the order with --no-loadscope-reorder."""
    longest_first(items, [f"test_{name}" for name in LONG])


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The bundle with Spark kept running, and a record of its tasks' requests to the catalog."""
    bundle_copy = copy_bundle(tmp_path_factory.mktemp("bundle"))
    bundle_copy.record.touch()
    bundle_copy.environment = dict(recording(bundle_copy.home, bundle_copy.record))
    bundle_copy.run("localbundle", "up", "-t", "dev")
    yield bundle_copy
    bundle_copy.run("localbundle", "down", "-t", "dev")


@pytest.fixture(scope="session")
def noted(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The schema of an index of the notes, for tests that change neither documents nor index."""
    landing, schema = tmp_path_factory.mktemp("noted"), "noted"
    write_notes(landing)
    bundle.refresh(landing=str(landing), schema=schema)
    return schema


@pytest.fixture
def requested(bundle: Bundle) -> Callable[[], list[Request]]:
    """The tasks' requests to the catalog since the test began, or since the last call."""
    seen = bundle.record.stat().st_size

    def requested() -> list[Request]:
        nonlocal seen
        since, seen = seen, bundle.record.stat().st_size
        return read_requests(bundle.record, since)

    return requested


@pytest.fixture(autouse=True)
def _no_request_beyond_the_rights(request: pytest.FixtureRequest) -> Iterator[None]:
    """No task of any test requests more than docs/rights.md grants to the jobs."""
    bundle_copy: Bundle | None = request.getfixturevalue("bundle") if "bundle" in request.fixturenames else None
    recorded = bundle_copy is not None and bundle_copy.record.is_file()  # some modules have their own bundle
    since = bundle_copy.record.stat().st_size if bundle_copy and recorded else 0
    yield
    if bundle_copy and recorded:
        assert beyond(read_requests(bundle_copy.record, since)) <= UNDEPLOYED


@pytest.fixture
def cold_bundle(tmp_path: Path) -> Bundle:
    """The bundle, nothing started."""
    return copy_bundle(tmp_path)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A folder of small documents with known content."""
    folder = tmp_path / "landing"
    folder.mkdir()
    write_notes(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium without a window."""
    with launched() as browser:
        yield browser
