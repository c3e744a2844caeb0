"""The rows that these tests publish, as a module, and the folder of an index."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.support import index_corpus


@pytest.fixture(scope="session")
def corpus() -> ModuleType:
    return index_corpus


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a new index, on a volume as strict as a real one."""
    return tmp_path / "Volumes" / "index"
