import json
import os
from pathlib import Path

import pytest
from localbundle.definitions.bundle import Bundle, load_bundle
from localbundle.errors import BundleError
from localbundle.packages.artifacts import artifacts_of, build, installed_from_source, matching_wheels
from localbundle_support.wheels import write_wheel


def bundle(write, artifacts: str) -> Bundle:
    return load_bundle(write(root=f"bundle: {{name: tiny}}\n{artifacts}\n"))


def built(bundle: Bundle, *wheels: str) -> list[str]:
    notes: list[str] = []
    build(bundle, artifacts_of(bundle), [bundle.root / wheel for wheel in wheels], notes.append)
    return notes


@pytest.fixture
def project(tmp_path: Path, install) -> Path:
    """A project that this Python has installed from its source (editable)."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'own-project'\nversion = '1'\n")
    install(write_wheel(tmp_path / "made", "own-project", "1"))
    origin = tmp_path / "laptop/site-packages/own_project-1.dist-info/direct_url.json"
    origin.write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    return folder


def test_only_what_a_wheel_needs_is_built(write) -> None:
    one = "a: {type: whl, path: a, build: mkdir -p dist && touch dist/built}"
    found = bundle(write, f"artifacts: {{{one}, b: {{type: whl, path: b, build: 'false'}}}}")
    for name in "ab":
        (found.root / name).mkdir()
    assert built(found, "a/dist/*.whl") == ["building the wheel a"]
    assert (found.root / "a/dist/built").is_file()
    assert built(found) == []
    with pytest.raises(BundleError, match="artifact b"):  # any of them may write there
        built(found, "elsewhere/*.whl")


def test_an_artifact_installed_from_its_source_is_not_built(write, project: Path) -> None:
    found = bundle(write, f"artifacts: {{own: {{type: whl, path: {project}, build: 'false'}}}}")
    assert built(found, f"{project}/dist/*.whl") == []
    package = installed_from_source(artifacts_of(found), project / "dist/*.whl")
    assert package is not None
    assert package.metadata["Name"] == "own-project"
    assert installed_from_source(artifacts_of(found), project / "dist/own_project-*.whl") is not None
    assert installed_from_source(artifacts_of(found), project / "dist/other-1-py3-none-any.whl") is None


def test_an_artifact_whose_project_is_a_link_is_installed_if_the_linked_project_is(write, project: Path) -> None:
    found = bundle(write, "artifacts: {own: {type: whl, build: 'false'}}")
    (found.root / "pyproject.toml").symlink_to(project / "pyproject.toml")
    assert installed_from_source(artifacts_of(found), found.root / "dist/*.whl") is not None
    assert built(found, "dist/*.whl") == []


def test_an_artifact_with_files_and_no_command_is_not_built(write) -> None:
    found = bundle(write, "artifacts: {a: {type: whl, files: [{source: dist/a-1-py3-none-any.whl}]}}")
    assert built(found, "dist/*.whl") == []


def test_a_setup_py_is_an_artifact_if_none_is_declared(write) -> None:
    (write() / "setup.py").write_text("open('built', 'w')\n")
    found = bundle(write, "")
    assert built(found, "dist/*.whl") == ["building the wheel python_artifact"]
    assert (found.root / "built").is_file()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo no compiler >&2; exit 1", r"`echo no compiler >&2; exit 1` failed \(no compiler\)"),
        ("echo on stdout; false", r"failed \(on stdout\)"),
        ("exit 7", r"failed \(exit code 7\)"),
        ("no-such-command", r"failed \(.*no-such-command: command not found\)"),
        ("|\n      false\n      touch built\n", r"`false …` failed \(exit code 1\)"),
    ],
)  # fmt: skip
def test_a_build_that_fails_is_one_line_at_its_place(write, command: str, message: str) -> None:
    text = command if command.startswith("|") else json.dumps(command)
    found = bundle(write, f"artifacts:\n  a:\n    type: whl\n    build: {text}")
    with pytest.raises(BundleError, match=f"artifact a: .*{message}; correct its build command") as raised:
        built(found, "dist/*.whl")
    assert (raised.value.file, raised.value.line) == ("databricks.yml", 3)
    assert not (found.root / "built").exists()


def test_a_shell_that_does_not_exist_is_named(write) -> None:
    found = bundle(write, "artifacts: {a: {type: whl, build: 'true', executable: no-such-shell}}")
    with pytest.raises(BundleError, match="No such file or directory: no-such-shell"):
        built(found, "dist/*.whl")


def test_the_newest_wheel_of_each_package_is_found(tmp_path: Path) -> None:
    for age, (name, version) in enumerate([("tiny", "2"), ("tiny", "10"), ("tiny", "3"), ("other", "1")]):
        wheel = write_wheel(tmp_path, name, version)
        os.utime(wheel, (1e9 - age, 1e9 - age))
    assert {name: file.name for name, file in matching_wheels(tmp_path / "*.whl").items()} == {
        "tiny": "tiny-2-py3-none-any.whl",
        "other": "other-1-py3-none-any.whl",
    }
    assert list(matching_wheels(tmp_path / "oth*.whl")) == ["other"]
    assert matching_wheels(tmp_path / "none/*.whl") == {}
