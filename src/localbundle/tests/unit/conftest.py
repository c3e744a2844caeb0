import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a bundle's files (name to content) and gives its root."""

    def files(**contents: str) -> Path:
        for name, content in contents.items():
            path = tmp_path / FILES.get(name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content))
        return tmp_path

    return files


FILES = {
    "root": "databricks.yml",
    "job": "resources/x.job.yml",
    "dev": "environments/dev.yml",
    "laptop": "environments/laptop.yml",
    "notebook": "notebooks/n.py",
}
