"""Whatever stands where something else belongs is told in one line, with its file and its line."""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.jobs import find_job
from localbundle.errors import BundleError
from localbundle.lint.check import lint

ROOT = Path(__file__).parents[5]
FILES = [
    Path("databricks.yml"),
    *sorted(
        path.relative_to(ROOT) for folder in ("resources", "environments") for path in (ROOT / folder).glob("*.yml")
    ),
]
WRONG: list[Any] = ["text", 5, None, ["a"], {"a": {"b": 1}}]


def places(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


WRITTEN = {file: yaml.safe_load((ROOT / file).read_text()) for file in FILES}
PLACES = [(file, path) for file, written in WRITTEN.items() for path in places(written)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's own definitions."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("databricks.yml", "usecase.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("resources", "environments", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@given(st.sampled_from(PLACES), st.sampled_from(WRONG))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_may_be_of_any_kind(own: Path, place: tuple[Path, tuple[Any, ...]], wrong: Any) -> None:
    file, path = place
    changed = copy.deepcopy(WRITTEN[file])
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = wrong
    (own / file).write_text(yaml.safe_dump(changed))
    try:
        bundle = load_bundle(own, "dev")
        lint(bundle, [], lambda bundle: None)
        for key in bundle.jobs:
            find_job(bundle, key)
    except BundleError as error:
        assert "\n" not in str(error)
    finally:
        shutil.copy(ROOT / file, own / file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "include: resources/*.yml",
            "databricks.yml:2: include is 'resources/*.yml', and must be a list; write `- ...",
        ),
        ("variables: {a: b}", "databricks.yml:2: variables.a is 'b', and must be a mapping"),
        ("resources: {jobs: {a: [b]}}", "databricks.yml:2: resources.jobs.a is ['b'], and must be a mapping"),
        ("resources: {jobs: {a: {tasks: b}}}", "databricks.yml:2: resources.jobs.a.tasks is 'b', and must be a list"),
        (
            "resources: {jobs: {a: {tasks: [{notebook_task: {}}]}}}",
            "databricks.yml:2: resources.jobs.a.tasks.0.task_key is None, and must be a text; write a name or a path",
        ),
        ("targets: {dev: {resources: {jobs: 5}}}", "databricks.yml:2: targets.dev.resources.jobs is 5, and must be"),
        (
            "variables: {v: {default: 5}}\nresources: {jobs: {a: {queue: '${var.v}'}}}",
            "resources.jobs.a.queue is 5, and must be a mapping",
        ),
    ],
)
def test_file_line_path_value_and_fix_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "databricks.yml").write_text(f"bundle: {{name: tiny}}\n{text}\n")
    with pytest.raises(BundleError) as refused:
        load_bundle(tmp_path)
    assert said in str(refused.value)
