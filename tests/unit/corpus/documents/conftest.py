from pathlib import Path

import pytest

from tests.support.document_samples import write_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of every format."""
    return write_samples(tmp_path_factory.mktemp("samples"))
