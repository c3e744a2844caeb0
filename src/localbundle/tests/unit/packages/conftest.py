import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[[Path], None]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that this Python finds."""
    folder = tmp_path / "laptop/site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return folder


@pytest.fixture
def install(site: Path) -> Install:
    """Installs a wheel into it."""
    return lambda wheel: zipfile.ZipFile(wheel).extractall(site)
