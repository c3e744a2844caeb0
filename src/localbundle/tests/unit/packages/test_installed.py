import importlib.metadata
import json
from pathlib import Path

import pytest
from localbundle.packages.installed import (
    editable_packages,
    installed_names,
    is_installed,
    is_same_as_installed,
    project_name,
    requirements_of,
    satisfies,
    wheel_metadata,
)
from localbundle_support.wheels import write_wheel
from packaging.requirements import Requirement


@pytest.fixture
def tiny(tmp_path: Path, install) -> Path:
    """A wheel that is installed, with an extra `more`, and `all` that is a list of the others."""
    extras = {"more": "nobodys-package", "less": "tiny", "all": "tiny[more,less]"}
    wheel = write_wheel(tmp_path / "dist", "tiny", "1.5", requires=["rich>=13", "other-thing>=2"], extras=extras)
    install(wheel)
    return wheel


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        ("tiny", True), ("Tiny>=1,<2", True), ("tiny<1", False), ("tiny==1.4", False), ("tiny[less]", True),
        ("tiny[more]", False), ("tiny[all]", False), ("nobodys-package", False),
        ('nobodys-package; python_version < "3"', True), ("tiny @ https://example.org/tiny.whl", False),
        ("pyspark==1", True), ("databricks-connect==15.4", True),
    ],
)  # fmt: skip
def test_what_is_installed_meets_a_requirement_by_its_version(tiny: Path, requirement: str, met: bool) -> None:
    assert satisfies(Requirement(requirement)) == met


def test_a_package_requires_what_its_extras_require(tiny: Path) -> None:
    package = importlib.metadata.distribution("tiny")
    assert sorted(map(str, requirements_of(package, ()))) == ["other-thing>=2", "rich>=13"]
    assert sorted(map(str, requirements_of(package, ("all",)))) == ["nobodys-package", "other-thing>=2", "rich>=13"]
    assert list(map(str, requirements_of(package, ("all",), optional=True))) == ["nobodys-package"]
    assert list(requirements_of(package, ("unknown",), optional=True)) == []


def test_a_wheel_is_installed_if_all_its_files_are(tiny: Path, tmp_path: Path) -> None:
    assert is_same_as_installed(wheel_metadata(tiny))
    changed = write_wheel(tmp_path / "new", "tiny", "1.5", files={"tiny/__init__.py": "version = 'changed'\n"})
    assert not is_same_as_installed(wheel_metadata(changed))
    assert not is_same_as_installed(wheel_metadata(write_wheel(tmp_path / "new", "nobodys-package", "1")))


@pytest.mark.parametrize(("content", "reason"), [(b"", "not a zip file"), (b"PK\5\6" + bytes(18), "no .dist-info")])
def test_a_file_that_is_not_a_wheel_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        wheel_metadata(tmp_path / "a-1-py3-none-any.whl")


def test_editable_packages_are_found_with_their_source(tiny: Path, site: Path) -> None:
    info = site / "tiny-1.5.dist-info"
    assert "tiny" not in [package.metadata["Name"] for package, _ in editable_packages()]
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///home/tiny", "dir_info": {"editable": True}}))
    assert ("tiny", "file:///home/tiny") in [(package.metadata["Name"], url) for package, url in editable_packages()]
    assert info.name in installed_names()


def test_a_package_is_installed_in_any_version(tiny: Path) -> None:
    assert is_installed("Tiny")
    assert not is_installed("nobodys-package")


@pytest.mark.parametrize(
    ("text", "name"), [("[project]\nname = 'own'\n", "own"), ("[project]\n", ""), ("[tool]\n", ""), ("not = [toml", "")]
)
def test_a_project_has_the_name_in_its_pyproject(tmp_path: Path, text: str, name: str) -> None:
    assert project_name(tmp_path) == ""
    (tmp_path / "pyproject.toml").write_text(text)
    assert project_name(tmp_path) == name
