from pathlib import Path

import pytest
from localbundle.workspace.jars import cache_dir


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the environments of one test, with the jars of this user; its name has a space."""
    folder = tmp_path / "a cache/localbundle"
    folder.mkdir(parents=True)
    if (cache_dir() / "jars").is_dir():
        (folder / "jars").symlink_to(cache_dir() / "jars")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))
    return folder / "environments"
