"""Each requirements file is whole and free of conflicts beside what its runtime ships; asks a package index."""

from pathlib import Path

import pytest
from localbundle.errors import BundleError

from environments.lock import File, Runtime, files, read, resolve


@pytest.mark.parametrize("file", list(files()), ids=lambda file: f"{file.runtime.name}/{file.name}")
def test_a_file_is_what_its_task_needs(file: File) -> None:
    """No more and no less: of what is pinned, nothing can have become newer."""
    found = resolve(file, pins=read(file))
    assert found.lines == [f"{name}=={version}" for name, version in sorted(read(file).items())]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "requirements.toml").write_text("[serverless]\nrefresh = []\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "tiny"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["rich>=14"]\n'
    )
    return tmp_path


def test_what_a_runtime_does_not_allow_is_one_line(project: Path) -> None:
    file = File(Runtime("serverless-v5", "3.12", {"rich": "13.9.4"}), "refresh", ())
    with pytest.raises(BundleError) as error:
        resolve(file, project)
    assert str(error.value) == (
        "refresh on serverless-v5: cannot be installed beside what that ships (tiny depends on rich>=14 and "
        "rich==13.9.4); widen a bound in pyproject.toml, or allow the replacement in environments/requirements.toml"
    )


def test_what_a_runtime_lacks_is_added_and_what_it_ships_stays(project: Path) -> None:
    file = File(Runtime("serverless-v5", "3.12", {"rich": "14.0.0", "pygments": "2.19.1"}), "refresh", ())
    found = resolve(file, project)
    assert found.shipped == {"rich": "14.0.0", "pygments": "2.19.1"}
    assert found.added.keys() == {"markdown-it-py", "mdurl"}
