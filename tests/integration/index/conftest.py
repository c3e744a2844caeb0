"""The rows that these tests publish, as a module; and the folders an index lives in."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_CORPUS = Path(__file__).with_name("corpus.py")


@pytest.fixture(scope="session")
def corpus() -> ModuleType:
    if "index_corpus" not in sys.modules:
        spec = importlib.util.spec_from_file_location("index_corpus", _CORPUS)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules["index_corpus"] = module
        spec.loader.exec_module(module)
    return sys.modules["index_corpus"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An index to be, on a volume as strict as a real one."""
    return tmp_path / "Volumes" / "index"
