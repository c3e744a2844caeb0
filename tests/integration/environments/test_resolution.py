"""Each requirements file is complete and does not conflict with its runtime. Needs a package index."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from environments.lock import Conflict, File, Resolution, Runtime, files, read, resolve

FILES = {f"{file.runtime.name}/{file.name}": file for file in files()}
AT_ONCE = 4


@pytest.fixture(scope="module")
def resolving(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Resolution]]]:
    """The files of the chosen tests, resolved side by side: nearly all of it is waiting for the package index.

    With their own pins, so that new releases do not change the result.
    """
    chosen = [name for name in FILES if any(item.name.endswith(f"[{name}]") for item in request.session.items)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(_resolved, FILES[name]) for name in chosen}


def _resolved(file: File) -> Resolution:
    return resolve(file, pins=read(file))


@pytest.mark.parametrize("name", FILES)
def test_a_file_lists_exactly_what_its_task_needs(name: str, resolving: Mapping[str, Future[Resolution]]) -> None:
    file, found = FILES[name], resolving[name].result()
    assert found.lines == [f"{name}=={version}" for name, version in sorted(read(file).items())]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "requirements.toml").write_text("[serverless]\nrefresh = []\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "tiny"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["rich>=14"]\n'
    )
    return tmp_path


def test_a_conflict_with_the_runtime_is_reported_in_one_line(project: Path) -> None:
    file = File(Runtime("serverless-v5", "3.12", {"rich": "13.9.4"}), "refresh", ())
    with pytest.raises(Conflict, match=r"^refresh on serverless-v5: .*tiny depends on rich>=14 and rich==13\.9\.4"):
        resolve(file, project)


def test_missing_packages_are_added_and_shipped_ones_keep_their_version(project: Path) -> None:
    file = File(Runtime("serverless-v5", "3.12", {"rich": "14.0.0", "pygments": "2.19.1"}), "refresh", ())
    found = resolve(file, project)
    assert found.shipped == {"rich": "14.0.0", "pygments": "2.19.1"}
    assert found.added.keys() == {"markdown-it-py", "mdurl"}
